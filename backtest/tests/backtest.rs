//! The backtest on the shipped files: Waybill costs less than every simple policy at equal service, on a real year and
//! on the week; nobody looks ahead; a report can be read.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::path::Path;

use waybill_backtest::{History, Method, Options, Outcome, Policy, ReadError, Reader, Report, Shelf, run, svg, table, trace};

fn read(folder: &str) -> History {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "csv"));
    files.sort();
    let mut reader = Reader::default();
    for file in files {
        reader.read(&file.to_string_lossy(), std::fs::File::open(&file).unwrap()).unwrap();
    }
    reader.finish().unwrap()
}

fn report(folder: &str) -> Report {
    let history = read(folder);
    let report = run(&history, &Options::for_days(history.days));
    println!("{}", table(&report));
    report
}

fn assert_cheapest(report: &Report, service: f64) {
    let cost = |method| report.of(method).at_service(service).map(|at| at.cost);
    let own = cost(Method::Waybill).unwrap();
    for method in [Method::Naive, Method::Average, Method::Fixed] {
        // Who does not reach the service at any caution is beaten.
        assert!(cost(method).is_none_or(|cost| own < cost), "{method:?} at {service}: {:?}, Waybill {own}", cost(method));
    }
}

#[test]
fn a_real_year_costs_less_than_by_any_simple_policy() {
    let report = report("online-retail-year");
    assert_eq!((report.days, report.skus, report.judged), (374, 97, 96));
    for service in report.services() {
        assert_cheapest(&report, service);
    }
    for method in [Method::Naive, Method::Average, Method::Fixed] {
        let (own, other) = (report.of(Method::Waybill).accuracy, report.of(method).accuracy);
        assert!(own.mase() < other.mase() && own.rmsse() < other.rmsse() && own.pinball() < other.pinball(), "{method:?}");
    }
}

/// MASE and RMSSE are better for the naive forecast here: a SKU enters with its first sale, and most have no other in the
/// week, so that "as yesterday", which is nothing, is right. It costs more all the same.
#[test]
fn the_week_costs_less_than_by_any_simple_policy() {
    let report = report("online-retail");
    assert_eq!((report.rows.all, report.rows.sales, report.rows.cancelled), (19_632, 19_263, 240));
    assert_eq!((report.rows.charges, report.rows.write_offs, report.rows.unreadable), (82, 47, 0));
    assert_eq!(report.days, 8);
    assert_cheapest(&report, report.options.service);
    assert_eq!(report.best(report.options.service), Some(Method::Waybill));
}

#[test]
fn nobody_looks_ahead() {
    let history = read("online-retail-year");
    let options = Options::for_days(history.days);
    for cut in [40, 100, 250, 373] {
        let mut other = history.clone();
        for series in other.series.values_mut() {
            for day in cut..history.days {
                (series.sold[day], series.returned[day]) = ((series.sold[day] * 7 + 13) % 101, series.returned[day] / 2);
            }
        }
        assert_ne!(other, history);
        let mut checked = 0;
        for sku in history.series.keys() {
            for method in Method::ALL {
                let before =
                    |history| -> Vec<_> { trace(history, sku, method, &options).into_iter().filter(|(day, _)| *day < cut).collect() };
                let (as_it_was, changed) = (before(&history), before(&other));
                // A SKU that had not sold by then begins where its first sale is.
                if history.series[sku].begins().is_some_and(|begins| begins < cut) {
                    assert_eq!(as_it_was, changed, "{method:?} of {sku} knows what comes after day {cut}");
                    checked += as_it_was.len();
                }
            }
        }
        assert!(checked > 1000);
    }
}

/// The same days of fewer files: what a shorter history says is what the longer one said then.
#[test]
fn a_shorter_history_says_the_same_of_its_days() {
    let history = read("online-retail-year");
    let options = Options::for_days(history.days);
    let mut shorter = history.clone();
    shorter.days = 200;
    for series in shorter.series.values_mut() {
        series.sold.truncate(200);
        series.returned.truncate(200);
    }
    for sku in history.series.keys() {
        let whole = trace(&history, sku, Method::Waybill, &options);
        for (at, estimate) in trace(&shorter, sku, Method::Waybill, &options) {
            assert!(whole.contains(&(at, estimate)), "{sku}, day {at}");
        }
    }
}

#[test]
fn rows_in_any_order_are_the_same_history() {
    let header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    let rows = [
        "1,10a,CUP,5,2011-01-01 10:00:00,2.50,,\n",
        "2,10A,CUP,3,2011-01-02 10:00:00,2.75,,\n",
        "C3,10A,CUP,-2,2011-01-02 11:00:00,2.75,,\n",
        "4,POST,POSTAGE,1,2011-01-02 11:00:00,18.00,,\n",
        "5,10A,damaged,-9,2011-01-02 12:00:00,0.00,,\n",
        "6,10A,CUP,many,2011-01-02 12:00:00,1.00,,\n",
    ];
    let of = |rows: Vec<&str>| {
        let mut reader = Reader::default();
        reader.read("rows", format!("{header}{}", rows.concat()).as_bytes()).unwrap();
        reader.finish().unwrap()
    };
    let history = of(rows.to_vec());
    assert_eq!(of(rows.iter().rev().copied().collect()), history);
    let series = &history.series["10A"];
    assert_eq!((&series.sold[..], &series.returned[..], series.price), (&[5, 3][..], &[0, 2][..], 250.0));
    assert_eq!((series.wanted(0), series.wanted(1)), (5, 1));
    let rows = history.rows;
    assert_eq!((rows.all, rows.sales, rows.cancelled, rows.charges, rows.write_offs, rows.unreadable), (6, 2, 1, 1, 1, 1));
}

#[test]
fn a_file_that_is_none_says_why() {
    let read = |text: &str| {
        let mut reader = Reader::default();
        reader.read("sales.csv", text.as_bytes())?;
        reader.finish()
    };
    let header = "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice\n";
    let error = read("Invoice,StockCode\n").unwrap_err();
    assert!(error.to_string().starts_with("sales.csv: there is no column `InvoiceNo`"), "{error}");
    assert!(matches!(read(header), Err(ReadError::Empty)));
    let far = format!("{header}1,10,1,2010-01-01 10:00:00,1.0\n2,10,1,2110-01-01 10:00:00,1.0\n");
    assert!(read(&far).unwrap_err().to_string().contains("from 2010-01-01 to 2110-01-01"));
}

/// Three days, by hand: 11 on the shelf, a lead time of one day, an order of 8 at 3 or less.
#[test]
fn a_shelf_by_hand() {
    let costs = waybill_backtest::Costs { lead_days: 1, order_cost: 100.0, holding_cost: 2.0 };
    let policy = Policy { reorder_point: 3, order_quantity: 8 };
    let mut shelf = Shelf::new(costs, Policy { reorder_point: 10, ..policy });
    for (day, wanted) in [8, 4, 5].into_iter().enumerate() {
        shelf.day(day, wanted);
        shelf.review(day, policy);
    }
    // 11 − 8 = 3: ordered. 3 of 4 served, 0 left. 8 arrive, 5 of 5 served, 3 left: ordered again.
    let expected = Outcome {
        days: 3,
        wanted_days: 3,
        served_days: 2,
        wanted_units: 17,
        served_units: 16,
        orders: 2,
        unit_days: 6,
        holding_cost: 12.0,
        ordering_cost: 200.0,
    };
    assert_eq!(shelf.outcome, expected);
}

#[test]
fn the_report_can_be_read() {
    let history = read("online-retail");
    let report = run(&history, &Options::for_days(history.days));
    let text = table(&report);
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    for word in ["waybill", "naive", "average", "fixed", "MASE", "RMSSE", "pinball", "least cost"] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    let picture = svg(&report).unwrap();
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>") && picture.contains("waybill"));
}
