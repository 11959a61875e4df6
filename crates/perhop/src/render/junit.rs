//! JUnit XML, as build servers read it.

use crate::html::Html;

/// One test case.
pub(crate) struct Case {
    /// What is asked.
    pub(crate) name: String,
    /// Why it was not, when it was not.
    pub(crate) skipped: Option<&'static str>,
    /// What failed.
    pub(crate) failures: Vec<Failed>,
}

/// Something that failed.
pub(crate) struct Failed {
    /// Its code.
    pub(crate) code: &'static str,
    /// In one line.
    pub(crate) message: String,
    /// All that is to be said.
    pub(crate) text: String,
}

/// The whole document: one suite, named as the plan.
pub(crate) fn render(command: &str, plan: &str, cases: &[Case]) -> String {
    let tests = cases.len().to_string();
    let count = |is: fn(&Case) -> bool| cases.iter().filter(|case| is(case)).count().to_string();
    let failures = count(|case| !case.failures.is_empty());
    let skipped = count(|case| case.skipped.is_some());
    let named = |name| {
        [
            ("name", name),
            ("tests", tests.as_str()),
            ("failures", failures.as_str()),
            ("errors", "0"),
            ("skipped", skipped.as_str()),
        ]
    };
    let mut xml = Html::default();
    xml.within("testsuites", &named(command), |xml| {
        xml.within("testsuite", &named(plan), |xml| {
            for one in cases {
                case(plan, one, xml);
            }
        });
    });
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", xml.finish())
}

fn case(plan: &str, case: &Case, xml: &mut Html) {
    let attrs = [("classname", plan), ("name", case.name.as_str())];
    xml.within("testcase", &attrs, |xml| {
        for one in &case.failures {
            let attrs = [("type", one.code), ("message", one.message.as_str())];
            xml.leaf("failure", &attrs, &one.text);
        }
        if let Some(why) = case.skipped {
            xml.leaf("skipped", &[("message", why)], "");
        }
    });
}
