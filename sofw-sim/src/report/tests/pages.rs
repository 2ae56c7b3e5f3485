use super::sample::{at, record};
use super::well_formed::elements;
use crate::record::{Call, Record, Rung};
use crate::report::{Summary, html};

#[test]
fn the_page_is_well_formed_and_says_first_what_failed() {
    let page = html::page(&record());
    elements(&page).unwrap();
    let verdict = page.find("class=\"verdict bad\"").unwrap();
    let measured = page.find("packet of call a1 heard in b2").unwrap();
    let replay = page.find("sofw-sim run tunnel_outage.toml --seeds 17..18").unwrap();
    let voice = page.find("<section id=\"voice\">").unwrap();
    assert!(verdict < measured && measured < replay && replay < voice);
    assert!(page.contains("2 of 5 expectations and checkers did not hold"));
    assert!(page.contains("tunnel outage &lt;1 s&gt;") && !page.contains("<1 s>"));
}

#[test]
fn the_page_needs_nothing_beside_itself() {
    let page = html::page(&record());
    for foreign in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    for link in links.filter(|link| !link.ends_with(".pcapng")) {
        let id = link.strip_prefix('#').unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn all_of_a_rich_record_is_on_its_page() {
    let page = html::page(&record());
    for part in [
        "voice",
        "plots",
        "story",
        "ladder",
        "rat",
        "firewall",
        "registrations",
        "queues",
        "counters",
        "captures",
        "findings",
    ] {
        assert!(page.contains(&format!("<section id=\"{part}\">")), "{part}");
    }
    assert!(page.contains("href=\"tunnel-outage-1-s-17.outer-office.pcapng\""));
    assert!(page.contains("One record is left at the end"));
    assert!(page.contains("12#") && page.contains("not registered"));
}

#[test]
fn a_call_that_nobody_took_rings_to_its_end() {
    let refused = Call {
        caller: "alice".to_owned(),
        callee: "nobody".to_owned(),
        invited: at(1_000),
        ended: [Some(at(9_000)), None],
        end: "cancelled".to_owned(),
        ..Call::default()
    };
    let length = std::time::Duration::from_secs(10);
    let page = html::page(&Record { calls: vec![refused], length, ..Record::default() });
    elements(&page).unwrap();
    assert!(page.contains("no voice") && page.contains("cancelled") && page.contains("alice → nobody"));
    assert!(page.contains(">0 / 1</b>") && !page.contains("good voice"));
}

#[test]
fn an_empty_record_has_a_page() {
    let page = html::page(&Record { scenario: "nothing".to_owned(), ..Record::default() });
    elements(&page).unwrap();
    assert!(page.contains("class=\"verdict good\"") && !page.contains("<section"));
}

#[test]
fn the_ladder_folds_waiting_and_marks_the_tunnel() {
    let record = record();
    let page = html::page(&record);
    let tunnelled = record.ladder.iter().filter(|rung| rung.tunnelled).count();
    assert_eq!(page.matches("class=\"tunnel\"").count(), tunnelled);
    assert!(page.contains("⋮ 57.8 s"), "between ACK and BYE");
    assert!(page.contains("class=\"label wrong\">481"));
    assert_eq!(page.matches("class=\"note\"").count(), 1);
}

#[test]
fn a_long_ladder_is_drawn_call_by_call_and_stays_small() {
    let mut record = record();
    let rung = |n: u64, call: &str| Rung {
        at: at(1_000 + n),
        from: 0,
        to: 1,
        label: "INFO".to_owned(),
        call_id: Some(call.to_owned()),
        tunnelled: false,
    };
    record.ladder.extend((0..100_000).map(|n| rung(n, if n % 2 == 0 { "b2" } else { "register" })));
    record.calls.extend((0..2_000).map(|n| Call {
        call_id: format!("c{n}"),
        answered: Some(at(1)),
        ..Call::default()
    }));
    let page = html::page(&record);
    elements(&page).unwrap();
    assert!(
        page.contains("carol calls anna at 1:10.000 s") && page.contains("Registrations and everything else")
    );
    assert!(page.contains("49961 further messages") && page.len() < 1_000_000, "{}", page.len());
}

#[test]
fn the_index_lists_failed_runs_first_and_links_their_pages() {
    let bad = record();
    let mut good = record();
    good.scenario = "home".to_owned();
    good.findings.iter_mut().for_each(|finding| finding.good = true);
    let index = html::index(&[Summary::of(&good), Summary::of(&bad)]);
    elements(&index).unwrap();
    let (first, second) =
        (index.find("tunnel-outage-1-s-17.html").unwrap(), index.find("home-17.html").unwrap());
    assert!(first < second && index.contains("1 of 2 runs"));
}
