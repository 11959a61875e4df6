//! The plans under `examples/`.

mod support;

use perhop_policy::FileId;

fn load(name: &str) -> (String, perhop_plan::Loaded) {
    let path = format!(
        "{}/../../examples/{name}/plan.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the example is there");
    let loaded = perhop_plan::load(FileId(0), &text);
    (text, loaded)
}

#[test]
fn debug_print() {
    for name in [
        "contoso",
        "seed-blog",
        "mvp-guide",
        "microsoft",
        "teams",
        "sfb-2019",
        "webrtc",
    ] {
        let (text, loaded) = load(name);
        println!("{}", support::render(&text, &loaded.diagnostics));
        println!("=== {name} policy {}", loaded.policy.is_some());
    }
}
