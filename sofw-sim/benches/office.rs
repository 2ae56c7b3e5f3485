//! What a simulated second costs: 20 calls in progress between an office behind a web-only firewall and phones outside.
//!
//! `cargo bench -p sofw-sim --bench office`: the time for 100 simulated seconds; a hundred times that is the time for 10,000.

use core::net::IpAddr;

use criterion::{Criterion, criterion_group, criterion_main};
use sofw_core::base::Duration;
use sofw_sim::run::{Options, run_with};
use sofw_sim::scenario::Scenario;
use sofw_sim::scenario::model::{Action, PhoneSpec, Step};

fn twenty_calls() -> Scenario {
    let text = "about = \"twenty calls\"\nduration = \"110s\"\n[[site]]\nname = \"office\"\nline = \"office\"\nfirewall = \"web-only\"\n\
                nat = \"port-restricted\"\nhrac = \"direct\"\nphones = [\"alice\"]\n[[phone]]\nname = \"bob\"\n";
    let mut scenario = Scenario::parse("bench.toml", text).expect("the scenario is right");
    let [alice, bob] = [0, 1].map(|index: usize| scenario.phones[index].clone());
    scenario.phones.clear();
    for n in 0..20u8 {
        let inside =
            PhoneSpec { name: format!("in{n}"), addr: IpAddr::from([10, 10, 10, 20 + n]), ..alice.clone() };
        let outside =
            PhoneSpec { name: format!("out{n}"), addr: IpAddr::from([203, 0, 113, 20 + n]), ..bob.clone() };
        scenario.phones.extend([inside, outside]);
        // Phones that answer at any moment: their packets do not march in step.
        let at = Duration::from_millis(8_000 + 7_919 * u64::from(n) % 1_009);
        let action = Action::Call { from: usize::from(2 * n), to: format!("out{n}"), talk: None };
        scenario.timeline.push(Step { at, action, line: 0 });
    }
    scenario
}

fn bench(c: &mut Criterion) {
    let scenario = twenty_calls();
    let options = Options { settle: false, ..Options::default() };
    let mut group = c.benchmark_group("office");
    group.sample_size(10);
    group.bench_function("100 s with 20 calls", |b| b.iter(|| run_with(&scenario, 1, options, Vec::new())));
    group.bench_function("100 s with 20 calls, all checkers", |b| {
        b.iter(|| run_with(&scenario, 1, options, sofw_sim::check::all(&scenario)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
