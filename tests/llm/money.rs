//! Money and prices.

use svitgen::llm::{Money, Price, Prices, Usage};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens }
}

#[test]
fn money_is_read_and_written() {
    for (text, picodollars, written) in [
        ("12.5", 12_500_000_000_000, "$12.50"),
        (" $12.50 ", 12_500_000_000_000, "$12.50"),
        ("0", 0, "$0.00"),
        (".000000000001", 1, "$0.000000000001"),
        ("3.", 3_000_000_000_000, "$3.00"),
        ("0.000370", 370_000_000, "$0.00037"),
        ("1000000000000", 10_u128.pow(24), "$1000000000000.00"),
    ] {
        assert_eq!(money(text).picodollars(), picodollars, "{text}");
        assert_eq!(money(text).to_string(), written);
        let json = serde_json::to_string(&money(text)).unwrap();
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money(text), "{json}");
    }
    let too_much = "9".repeat(40);
    for text in ["", ".", "$", "-1", "+1", "1e3", "1,000", "1.0000000000001", "12.5 USD", "1.2.3", "١", &too_much] {
        let error = text.parse::<Money>().unwrap_err().to_string();
        assert!(error.contains("is no sum of money; write dollars such as 12.50"), "{error}");
    }
}

#[test]
fn money_rounds_up_and_never_turns_around() {
    assert_eq!(format!("{:.2}", money("0.001")), "$0.01");
    assert_eq!(format!("{:.2}", money("9.991")), "$10.00");
    assert_eq!(format!("{:.0}", money("9.2")), "$10");
    assert_eq!(format!("{:.30}", money("9.2")), "$9.200000000000");
    let most = Money::from_picodollars(u128::MAX);
    assert_eq!(most.saturating_add(money("1")), most);
    assert_eq!(money("1").saturating_sub(most), Money::ZERO);
    assert!(most.to_string().starts_with("$340282366920938463463374607.43176"));
    assert!(!format!("{most:.2}").is_empty());
}

#[test]
fn json_may_have_numbers() {
    for (json, sum) in [("0.15", "0.15"), ("3", "3"), ("\"2.50\"", "2.5"), ("1e-7", "0.0000001"), ("0.1", "0.1")] {
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), money(sum), "{json}");
    }
    for json in ["-1", "-0.5", "null", "1e300", "1e-20", "\"a lot\""] {
        assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
    }
}

#[test]
fn a_price_belongs_to_a_model_and_its_versions() {
    let prices = Prices::built_in();
    let per_million =
        |model: &str| prices.price(model).map(|price| price.cost(usage(1_000_000, 1_000_000)).to_string());
    for (model, cost) in [
        ("gpt-4o-mini", Some("$0.75")),
        ("gpt-4o-mini-2024-07-18", Some("$0.75")),
        ("gpt-4o", Some("$12.50")),
        ("gpt-4o-latest", Some("$12.50")),
        ("gpt-4o-2024-05-13", Some("$20.00")),
        ("gpt-4-0613", Some("$90.00")),
        ("gpt-3.5-turbo-0125", Some("$2.00")),
        ("gpt-3.5-turbo-1106", Some("$3.00")),
        ("gpt-4o-audio-preview", None),
        ("gpt-4o-mini-2024-07-18-mine", None),
        ("gpt-4o-mini-07-18", None),
        ("gpt-4o-2", None),
        ("gpt-4-0125-preview", None),
        ("gpt-4.5", None),
        ("-latest", None),
        ("2024-07-18", None),
        ("", None),
    ] {
        assert_eq!(per_million(model).as_deref(), cost, "{model}");
    }
    assert_eq!(Prices::none().price("gpt-4o"), None);
}

#[test]
fn costs_are_exact_and_rounded_up() {
    let price = Price::per_million(money("0.15"), money("0.6"));
    assert_eq!(price.cost(usage(1, 0)).picodollars(), 150_000);
    assert_eq!(price.cost(usage(0, 1)).picodollars(), 600_000);
    assert_eq!(Price::per_million(money("0.0000001"), Money::ZERO).cost(usage(1, 9)).picodollars(), 1);
    assert_eq!(price.batch(), price);
    let most = Price::per_million(Money::from_picodollars(u128::MAX), money("1")).cost(usage(u64::MAX, u64::MAX));
    assert!(most > money("1000000"));
}

#[test]
fn a_file_of_prices_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.json");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let text = r#"{"note": "mine", "prices": {"gpt-4o": {"input": 1, "output": "2.50"}, "local": {"input": 0, "output": 0},
        "*": {"input": 0.333, "output": 7, "batch": 0.25}}}"#;
    write(text);
    let prices = Prices::built_in().with_file(&path).unwrap();
    let cost = |model: &str| prices.price(model).unwrap().cost(usage(1_000_000, 1_000_000)).to_string();
    let costs = ["gpt-4o", "gpt-4o-mini", "local", "another", ""].map(cost);
    assert_eq!(costs, ["$3.50", "$0.75", "$0.00", "$7.333", "$7.333"]);
    let batch = prices.price("another").unwrap().batch();
    assert_eq!(batch, Price::per_million(money("0.08325"), money("1.75")));

    for (text, reason) in [
        ("{", "EOF"),
        (r#"{"prices": {"m": {"input": 1}}}"#, "missing field `output`"),
        (r#"{"prices": {"m": {"input": -1, "output": 1}}}"#, "sum of"),
        (r#"{"prices": {"m": {"input": 1, "output": 1, "cached": 1}}}"#, "unknown field `cached`"),
        (r#"{"m": {"input": 1, "output": 1}}"#, "missing field `prices`"),
    ] {
        write(text);
        let error = format!("{:?}", Prices::none().with_file(&path).unwrap_err());
        assert!(error.contains("prices.json") && error.contains(reason), "{error}");
    }
    assert!(Prices::none().with_file(folder.path().join("absent.json")).is_err());
}
