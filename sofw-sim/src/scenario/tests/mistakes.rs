//! What is said about mistakes, word for word.

use super::super::Scenario;

#[test]
fn x() {
    for text in CASES {
        match Scenario::parse("office.toml", text) {
            Ok(_) => println!("--- OK?\n{text}"),
            Err(problems) => {
                println!("--- {text}");
                for problem in problems {
                    println!("{problem}");
                }
            }
        }
    }
}
const CASES: &[&str] = &[];
