//! Lists: `Name : Value` a line, an empty line between objects.

use super::Object;
use crate::place::Place;

/// The objects of a list; lines that are none are given with their numbers.
pub(crate) fn read(index: usize, text: &str) -> (Vec<Object>, Vec<(usize, String)>) {
    let mut objects: Vec<Object> = Vec::new();
    let mut strange = Vec::new();
    let mut open: Option<Object> = None;
    let mut column = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line.is_empty() {
            objects.extend(open.take());
            continue;
        }
        if let Some((name, value, at)) = property(line) {
            let object = open.get_or_insert_with(|| Object::new(Place::line(index, number)));
            // Lists of one object begin anew with its first property.
            if object
                .properties
                .first()
                .is_some_and(|first| first.name == name)
            {
                objects.extend(open.replace(Object::new(Place::line(index, number))));
            }
            if let Some(object) = &mut open {
                object.push(name, value, Place::line(index, number));
            }
            column = at;
            continue;
        }
        let indented = line.len() - line.trim_start().len();
        match open
            .as_mut()
            .and_then(|object| object.properties.last_mut())
        {
            Some(last) if column > 0 && indented >= column => {
                last.value.push_str(line.trim_start())
            }
            _ => strange.push((number, line.to_owned())),
        }
    }
    objects.extend(open);
    (objects, strange)
}

/// A property's name, its value and the column where values begin.
fn property(line: &str) -> Option<(&str, &str, usize)> {
    let at = line.find(':')?;
    let (name, value) = (&line[..at], &line[at + 1..]);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let name = name.trim_end();
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    // `C:\` and URLs have no blank before their colon, and properties always do.
    let apart = line[..at].ends_with(' ') && (value.is_empty() || value.starts_with(' '));
    (starts && apart && name.chars().all(plain)).then(|| (name, value.trim(), at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_go_on_and_blocks_end() {
        let text = "\r\nName       : a policy with a long\r\n              er name\r\nDSCPValue  : 46\r\n\r\nName       : b\r\n\
                    PS C:\\> exit\r\n";
        let (objects, strange) = read(0, text);
        assert_eq!(objects.len(), 2);
        assert_eq!(
            objects[0].properties[0].value,
            "a policy with a longer name"
        );
        assert_eq!(objects[0].properties[1].place.line, Some(4));
        assert_eq!(strange, [(7, "PS C:\\> exit".to_owned())]);
    }
}
