use super::well_formed::elements;
use crate::report::chart::{Axis, Chart, Scale, Series, Shape, Tone};

fn texts(svg: &str) -> Vec<String> {
    let starts = svg.split("<text ").skip(1).filter_map(|rest| rest.split_once('>'));
    starts.filter_map(|(_, rest)| rest.split('<').next().map(str::to_owned)).collect()
}

#[test]
fn linear_axes_have_round_ticks_that_hold_all_values() {
    let points = (0..=37).map(|x| (f64::from(x), f64::from(x) * 2.6));
    let svg = Chart::new("T", Axis::linear("phones"), Axis::linear("delay, ms").from_zero())
        .with(Series::new("SoFW", Shape::Dots, Tone::Nth(0), points))
        .inline();
    let texts = texts(&svg);
    for expected in ["T", "delay, ms", "SoFW", "0", "20", "100", "phones", "35"] {
        assert!(texts.iter().any(|text| text == expected), "{expected} in {texts:?}");
    }
    assert!(!texts.iter().any(|text| text == "40" && !texts.contains(&"0".to_owned())));
    assert_eq!(elements(&svg).unwrap().iter().filter(|name| *name == "circle").count(), 38 + 1);
}

#[test]
fn logarithmic_axes_have_powers_of_ten_and_take_zero() {
    let svg = Chart::new("", Axis::linear("x"), Axis::new("ms", Scale::Log))
        .with(Series::new("", Shape::Line, Tone::Nth(1), [(0.0, 0.0), (1.0, 3.0), (2.0, 42_000.0)]))
        .inline();
    let texts = texts(&svg);
    assert!(
        ["100", "10\u{202f}000"].iter().all(|expected| texts.iter().any(|text| text == expected)),
        "{texts:?}"
    );
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    elements(&svg).unwrap();
}

#[test]
fn time_axes_count_minutes() {
    let chart = |end| {
        Chart::new("", Axis::new("", Scale::Time), Axis::linear(""))
            .with(Series::new("", Shape::Step, Tone::Good, [(0.0, 1.0), (end, 2.0)]))
            .inline()
    };
    assert!(texts(&chart(30.0)).contains(&"15".to_owned()) || texts(&chart(30.0)).contains(&"10".to_owned()));
    assert!(texts(&chart(600.0)).contains(&"4:00".to_owned()));
    assert!(texts(&chart(36_000.0)).contains(&"4:00 h".to_owned()), "{:?}", texts(&chart(36_000.0)));
}

#[test]
fn bars_of_several_series_stand_side_by_side_over_names() {
    let names = ["SoFW", "plain SIP"].map(str::to_owned).to_vec();
    let svg = Chart::new("Bytes", Axis::new("", Scale::Names(names)), Axis::linear("B").from_zero())
        .with(Series::new("idle", Shape::Bars, Tone::Nth(0), [(0.0, 5.0), (1.0, 7.0)]))
        .with(Series::new("call", Shape::Bars, Tone::Nth(1), [(0.0, 50.0), (1.0, 70.0)]))
        .inline();
    let lefts: Vec<_> =
        svg.split("<rect x=\"").skip(1).filter(|rest| rest.contains("class=\"bar\"")).collect();
    assert_eq!(lefts.len(), 4);
    assert!(texts(&svg).contains(&"plain SIP".to_owned()));
}

#[test]
fn spans_lie_between_their_times_beside_their_names() {
    let names = ["alice → bob", "carol & anna"].map(str::to_owned).to_vec();
    let svg =
        Chart::new("", Axis::new("", Scale::Time).range(0.0, 100.0), Axis::new("", Scale::Names(names)))
            .with(Series::between("talks", Shape::Spans, Tone::Good, [(10.0, 60.0, 0.0), (50.0, 100.0, 1.0)]))
            .inline();
    elements(&svg).unwrap();
    let number = |rect: &str, name: &str| -> f64 {
        rect.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    let rects: Vec<_> = svg.split("<rect ").filter(|rect| rect.contains("class=\"bar\"")).collect();
    assert_eq!(rects.len(), 2);
    let [first, second] = [rects[0], rects[1]];
    assert!((number(first, "width") - number(second, "width")).abs() < 0.2, "both last 50 s");
    assert!(number(first, "y") > number(second, "y"), "0 is the lowest row");
    let right = number(second, "x") + number(second, "width");
    assert!((right - (760.0 - 14.0)).abs() < 0.2, "{right}");
    assert!(texts(&svg).contains(&"carol &amp; anna".to_owned()));
}

#[test]
fn empty_and_constant_charts_are_drawn() {
    for points in [vec![], vec![(3.0, 5.0)], vec![(0.0, 0.0), (1.0, 0.0)]] {
        let svg = Chart::new("t", Axis::linear("x"), Axis::linear("y"))
            .with(Series::new("s", Shape::Line, Tone::Bad, points))
            .mark(0.5, "a < b")
            .limit(1.0, "limit & more")
            .inline();
        elements(&svg).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn many_points_are_thinned_but_peaks_stay() {
    let points = (0..100_000).map(|x| (f64::from(x), if x == 54_321 { 1_000.0 } else { 1.0 }));
    let svg = Chart::new("", Axis::linear("x"), Axis::linear("y").from_zero())
        .with(Series::new("", Shape::Line, Tone::Nth(0), points))
        .inline();
    assert!(svg.len() < 60_000, "{}", svg.len());
    let line = svg.split("<path d=\"M").find(|path| path.contains("class=\"t0 line\"")).unwrap();
    let heights =
        line.split('L').filter_map(|point| point.split(' ').nth(1)).filter_map(|y| y.parse::<f64>().ok());
    assert!(heights.fold(f64::INFINITY, f64::min) < 30.0, "the peak is at the top");
}

#[test]
fn a_file_brings_its_own_colours() {
    let svg = Chart::new("t", Axis::linear("x"), Axis::linear("y")).size(300.0, 200.0).file();
    assert!(
        svg.starts_with("<?xml")
            && svg.contains("prefers-color-scheme:dark")
            && svg.contains("width=\"332\"")
    );
    elements(&svg).unwrap();
}
