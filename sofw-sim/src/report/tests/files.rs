use std::fs;

use super::sample::record;
use crate::report::write_all;

#[test]
fn a_report_is_a_directory_with_everything_that_the_index_links() {
    let dir = std::env::temp_dir().join(format!("sofw-report-{}", std::process::id()));
    let index = write_all(&dir, &[record()]).unwrap();
    let page = fs::read_to_string(dir.join("tunnel-outage-1-s-17.html")).unwrap();
    for (text, ending) in [(fs::read_to_string(&index).unwrap(), ".html"), (page, ".pcapng")] {
        let links: Vec<_> = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let files: Vec<_> = links.iter().filter(|link| !link.starts_with('#')).collect();
        assert!(files.iter().any(|file| file.ends_with(ending)), "{links:?}");
        assert!(files.iter().all(|file| dir.join(file).is_file()), "{links:?}");
    }
    fs::remove_dir_all(&dir).unwrap();
}
