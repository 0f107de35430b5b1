use super::*;

const OWN: &str = r#"
    key_prefix = "acme"
    resources = ["reports"]
    [meters]
    tokens = { kind = "sum" }
    calls = { kind = "sum", counts = "requests" }
    [plans.Basic]
    default = true
    api_keys = 2
    limits.calls = 1000
    limits.tokens = [{ max = 5000, per = "day" }, { max = 100, per = "1s" }]
    [plans.Large]
"#;

#[test]
fn a_team_s_own_meters_and_plans_replace_the_preset() {
    let settings = Config::parse(OWN).unwrap().settings("http://localhost").unwrap();
    assert_eq!(settings.catalog.default_plan, "Basic");
    assert_eq!(settings.catalog.requests.unwrap().as_str(), "calls");
    assert_eq!(settings.catalog.plans["Basic"].allowances.len(), 2);
    assert_eq!(settings.key_prefix.as_str(), "acme");
}

#[test]
fn nothing_at_all_is_the_preset() {
    let settings = Config::parse("").unwrap().settings("http://localhost").unwrap();
    assert!(settings.catalog.plans.contains_key("ENTERPRISE"));
}

#[test]
fn a_mistake_beside_a_password_is_named_by_its_line_alone() {
    let text = "data = \"here\"\ndatabase = postgres://odavl:canary@db.example/odavl";
    let refused = Config::parse(text).unwrap_err();
    assert!(refused.to_string().starts_with("line 2: "), "{refused}");
    assert!(!refused.to_string().contains("canary"), "{refused}");
    let secret = "postgres://odavl:\\\"canary\\\", expected@db.example/odavl";
    for text in [format!("plans = \"{secret}\""), format!("plans.Basic.default = \"{secret}\"")] {
        let refused = Config::parse(&text).unwrap_err().to_string();
        assert!(refused.contains("expected") && !refused.contains("canary"), "{refused}");
    }
    let refused = Config::parse_json(&format!("{{\"plans\": \"{secret}\"}}")).unwrap_err().to_string();
    assert!(refused.contains("expected") && !refused.contains("canary"), "{refused}");
    let config = Config::parse("database = 'postgres://odavl:canary@db.example/odavl'").unwrap();
    assert!(!format!("{config:?} {:?}", config.settings("http://localhost").unwrap()).contains("canary"));
}

#[test]
fn a_bucket_is_filled_in_by_the_usual_variables_and_never_named_by_them_alone() {
    let text = "storage = \"s3://acme?region=eu-1\"\n[stores.mine]\npath_style = true\ncan = [\"checksums\"]";
    let mut config = Config::parse(text).unwrap();
    config.aws = AwsVariables {
        bucket: Some("other".to_owned()),
        endpoint: Some("http://127.0.0.1:9000/".to_owned()),
        region: Some("us-1".to_owned()),
        access: None,
    };
    let bucket = config.settings("http://localhost").unwrap().bucket.unwrap();
    assert_eq!((bucket.name.as_str(), bucket.region.as_deref()), ("acme", Some("eu-1")));
    assert_eq!(bucket.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert!(bucket.profiles["mine"].path_style);
    config.storage = Some("s3://".to_owned());
    assert_eq!(config.bucket().unwrap().unwrap().name, "other");
    config.storage = None;
    assert!(config.settings("http://localhost").unwrap().bucket.is_none());
}

#[test]
fn mistakes_are_named() {
    for (text, said) in [
        ("lisen = 1", "lisen"),
        ("[serve]\nport = 1", "port"),
        ("[meters]\na = { kind = \"sum\" }", "[meters] and [plans]"),
        ("meters.a.kind = \"sum\"\n[plans.X]", "default"),
        ("meters.a = { kind = \"sum\", counts = \"no\" }\nplans.X.default = true", "counts"),
        (
            "plans.X.default = true\n[meters]\na = { kind = \"sum\", counts = \"requests\" }\n\
             b = { kind = \"sum\", counts = \"requests\" }",
            "meters.a and meters.b count the same",
        ),
        (
            "resources = [\"r\"]\nplans.X.default = true\n[meters]\na = { kind = \"sum\", counts = \"r\" }\n\
             b = { kind = \"sum\", counts = \"r\" }",
            "meters.a and meters.b count the same",
        ),
        ("meters.a.kind = \"sum\"\nplans.X = { default = true, limits.b = 1 }", "no meter `b`"),
        ("public_url = \"ftp://x\"", "public_url"),
        ("storage = \"ftp://x\"", "`s3://`"),
        ("storage = \"s3://\"", "no bucket"),
        ("stores.x.can = [\"fly\"]", "fly"),
    ] {
        let refused = Config::parse(text).and_then(|config| config.settings("http://localhost")).unwrap_err();
        assert!(refused.to_string().contains(said), "{text}: {refused}");
    }
}
