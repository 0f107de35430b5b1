//! The gateway before routes of somebody's own, in poem and as a tower layer: both do the same.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use odavl_core::{auth::NewKeyRequest, gateway::Identity, session::Context};
use odavl_http::protect::Protect;
use poem::{
    Endpoint, EndpointExt, Request,
    endpoint::make,
    http::{self, HeaderMap, StatusCode},
};
use serde_json::Value;
use tower::{ServiceExt, service_fn};

use crate::app::{App, ORG};

/// The frameworks that it stands in.
#[derive(Debug, Clone, Copy)]
enum Framework {
    Poem,
    Tower,
}

const BOTH: [Framework; 2] = [Framework::Poem, Framework::Tower];

/// What came of a request.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.header("content-type")), (status, "application/problem+json"));
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert_eq!(self.header("cache-control"), "no-store");
        problem
    }
}

/// The protected route, which says whose request it got and counts how often it was called.
#[derive(Clone)]
struct Routes {
    protect: Protect,
    calls: Arc<AtomicU64>,
}

impl Routes {
    fn new(protect: Protect) -> Self {
        Self { protect, calls: Arc::default() }
    }

    /// Asks with these headers, from that address where the framework is told it.
    async fn ask(&self, framework: Framework, headers: &[(&str, &str)]) -> Answer {
        match framework {
            Framework::Poem => self.ask_poem(headers).await,
            Framework::Tower => self.ask_tower(headers, None).await,
        }
    }

    async fn ask_poem(&self, headers: &[(&str, &str)]) -> Answer {
        let calls = self.calls.clone();
        let route = make(move |request: Request| {
            calls.fetch_add(1, Ordering::Relaxed);
            assert_no_key(request.headers());
            let identity = request.data::<Identity>().unwrap();
            let body = identity.key_id.to_string();
            async move { Ok::<_, poem::Error>(body) }
        });
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = route.with(self.protect.clone()).call(request.finish()).await.unwrap();
        let headers = answer.headers().clone();
        let (status, body) = (answer.status(), answer.into_body().into_string().await.unwrap());
        Answer { status, headers, body }
    }

    async fn ask_tower(&self, headers: &[(&str, &str)], peer: Option<IpAddr>) -> Answer {
        let calls = self.calls.clone();
        let route = service_fn(move |request: http::Request<()>| {
            calls.fetch_add(1, Ordering::Relaxed);
            assert_no_key(request.headers());
            let identity = request.extensions().get::<Identity>().unwrap();
            let body = Bytes::from(identity.key_id.to_string());
            async move { Ok::<_, Infallible>(http::Response::new(body)) }
        });
        let mut request = http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let service = tower_layer::Layer::layer(&self.protect, route);
        let answer = service.oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// What the route hands on is nobody's key.
fn assert_no_key(headers: &HeaderMap) {
    let shown = |value: &http::HeaderValue| value.to_str().unwrap().contains("odavl_live_");
    assert!(!headers.values().any(shown), "{headers:?}");
}

async fn protect(app: &App) -> Protect {
    let protect = Protect::new(app.system("operator").await).scope("insight:read".parse().unwrap());
    protect.charge("insight_analyses".parse().unwrap(), 4).unwrap()
}

async fn used(app: &App) -> u64 {
    let report = app.system(ORG).await.usage().read().await.unwrap();
    report.limits.iter().find(|standing| standing.meter.as_str() == "insight_analyses").unwrap().used
}

#[tokio::test]
async fn a_request_that_may_and_can_pass_reaches_the_route_and_says_what_is_left() {
    for framework in BOTH {
        let app = App::start().await;
        let routes = Routes::new(protect(&app).await);
        let (id, key) = app.key(ORG, "insight:write").await;
        let bearer = format!("Bearer {key}");
        let passed = routes.ask(framework, &[("authorization", &bearer)]).await;
        assert_eq!((passed.status, passed.body.as_str()), (StatusCode::OK, id.as_str()));
        assert!(passed.header("ratelimit").starts_with("\"insight_analyses\";r=6;t="), "{framework:?}");
        routes.ask(framework, &[("authorization", &bearer)]).await;
        let refused = routes.ask(framework, &[("authorization", &bearer)]).await;
        let problem = refused.problem(429, "quota_exceeded");
        assert_eq!((problem["used"].as_u64(), problem["limit"].as_u64()), (Some(8), Some(10)));
        assert!(refused.header("ratelimit").starts_with("\"insight_analyses\";r=2;t="), "{framework:?}");
        assert_eq!((routes.calls(), used(&app).await), (2, 8));
    }
}

#[tokio::test]
async fn who_may_not_pass_reaches_no_route_and_is_charged_nothing() {
    for framework in BOTH {
        let app = App::start().await;
        let routes = Routes::new(protect(&app).await);
        let (_, other) = app.key(ORG, "storage:read").await;
        let (_, key) = app.key(ORG, "insight:read").await;
        let bearer = |key: &str| format!("Bearer {key}");
        let missing = routes.ask(framework, &[("x-request-id", "request-1")]).await;
        assert_eq!(missing.problem(401, "unauthenticated")["request_id"], "request-1");
        assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"odavl\"");
        let wrong = [bearer(&key[1..]), format!("Basic {key}"), key.clone(), "Bearer ".to_owned()];
        for wrong in &wrong {
            let refused = routes.ask(framework, &[("authorization", wrong)]).await;
            assert_eq!(refused.problem(401, "unauthenticated")["reason"], "malformed", "{framework:?}");
        }
        let twice = [("authorization", bearer(&key)), ("authorization", bearer(&key))];
        let twice = twice.each_ref().map(|(name, value)| (*name, value.as_str()));
        routes.ask(framework, &twice).await.problem(401, "unauthenticated");
        let refused = routes.ask(framework, &[("authorization", &bearer(&other))]).await;
        refused.problem(403, "forbidden");
        assert_eq!((routes.calls(), used(&app).await), (0, 0));
    }
}

#[tokio::test]
async fn a_key_with_an_allow_list_passes_from_there_alone_and_from_nowhere_that_is_not_known() {
    let app = App::start().await;
    let routes = Routes::new(protect(&app).await.peer(|extensions| extensions.get().copied()));
    let mut wish = NewKeyRequest::new("office", "insight:read".parse().unwrap());
    wish.allowed_ips = vec!["203.0.113.0/24".parse().unwrap()];
    let new = app.system(ORG).await.keys().create(wish).await.unwrap();
    let bearer = format!("Bearer {}", new.token.unwrap().secret().reveal());
    let ask = async |peer: Option<&str>| {
        let forged = ("x-forwarded-for", "203.0.113.5");
        let peer = peer.map(|peer| peer.parse().unwrap());
        routes.ask_tower(&[("authorization", &bearer), forged], peer).await.status.as_u16()
    };
    assert_eq!(ask(Some("203.0.113.5")).await, 200);
    assert_eq!(ask(Some("198.51.100.1")).await, 403);
    assert_eq!(ask(None).await, 403);
}

#[tokio::test]
async fn a_key_may_be_in_a_header_of_its_own() {
    for framework in BOTH {
        let app = App::start().await;
        let routes = Routes::new(protect(&app).await.key_header("x-api-key".parse().unwrap()));
        let (_, key) = app.key(ORG, "insight:read").await;
        let passed = routes.ask(framework, &[("x-api-key", &key), ("authorization", "Basic x")]).await;
        assert_eq!(passed.status, StatusCode::OK, "{framework:?}: {}", passed.body);
        let bearer = format!("Bearer {key}");
        let refused = routes.ask(framework, &[("authorization", &bearer)]).await;
        assert_eq!(refused.header("www-authenticate"), "ApiKey realm=\"odavl\"");
        refused.problem(401, "unauthenticated");
    }
}

/// What no request could ever pass is found when the routes are made, and what the service lacks is not the caller's.
#[tokio::test]
async fn a_protection_that_cannot_work_is_no_fault_of_the_caller() {
    let app = App::start().await;
    let gateway = || app.system("operator");
    let charge = |protect: Protect, meter: &str| protect.charge(meter.parse().unwrap(), 1).map(drop);
    assert!(charge(Protect::new(gateway().await), "nothing").is_err());
    assert!(charge(Protect::new(gateway().await), "storage_bytes").is_err());
    assert!(charge(protect(&app).await, "insight_analyses").is_err());

    let (_, powerless) = app.key(ORG, "insight:read").await;
    let credential = app.odavl.credential(&powerless).unwrap();
    let session = app.odavl.authenticate(credential, Context::default()).await.unwrap();
    let routes = Routes::new(Protect::new(session));
    let bearer = format!("Bearer {powerless}");
    for framework in BOTH {
        routes.ask(framework, &[("authorization", &bearer)]).await.problem(500, "internal");
    }
    assert_eq!(routes.calls(), 0);
}
