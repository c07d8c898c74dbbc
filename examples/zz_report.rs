//! x
use svitgen::annotation::{Coco, Input, Jsonl, OnBadInput, RecordSource, VisualGenomeFiles};
fn main() {
    let folder = std::env::args().nth(1).unwrap();
    if folder == "jsonl" {
        for _ in 0..6 {
            let t = std::time::Instant::now();
            let s = Jsonl::open("/tmp/vgdata/records.jsonl").unwrap();
            eprintln!("open {:?}", t.elapsed());
            let t = std::time::Instant::now();
            let n = s.records().filter(|r| r.is_ok()).count();
            eprintln!("{n} {:?}", t.elapsed());
        }
        return;
    }
    let n = std::env::args().nth(2).map_or(1, |n| n.parse().unwrap());
    let coco = ["train", "val"].map(|s| Input::path(format!("{folder}/coco/captions_{s}2017.json")).unwrap());
    let coco = Coco::from_inputs(coco, OnBadInput::Skip).unwrap();
    let source = VisualGenomeFiles::find(format!("{folder}/visual_genome"))
        .unwrap()
        .without_attributes()
        .with_coco(coco)
        .on_bad_input(OnBadInput::Skip)
        .with_threads(n)
        .open()
        .unwrap();
    let (mut i, mut o, mut r, mut l, mut c) = (0, 0, 0, 0, 0);
    for record in source.records() {
        let x = record.unwrap();
        i += 1;
        o += x.objects.len();
        r += x.regions.len();
        l += x.relationships.len();
        c += x.captions.len();
    }
    println!("images {i} objects {o} regions {r} relationships {l} captions {c}");
    println!("{}", source.report());
}
