//! interim
fn main() {
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).unwrap();
        match sofw_sim::scenario::Scenario::parse(&file, &text) {
            Err(problems) => problems.iter().for_each(|p| println!("{p}")),
            Ok(scenario) => {
                let start = std::time::Instant::now();
                let record = sofw_sim::run::run(&scenario, scenario.seed);
                let took = start.elapsed();
                if std::env::var_os("STORY").is_some() {
                    for (at, text) in &record.story {
                        println!("{at:?} {text}");
                    }
                    for r in &record.ladder {
                        println!(
                            "{:?} {} -> {}: {}",
                            r.at, record.actors[r.from], record.actors[r.to], r.label
                        );
                    }
                    println!("{:#?}", record.counters);
                }
                print!("{}", sofw_sim::report::text::verdict(&[sofw_sim::report::Summary::of(&record)]));
                println!(
                    "{} took {took:?} events {} length {:?}",
                    scenario.name, record.events, record.length
                );
            }
        }
    }
}
