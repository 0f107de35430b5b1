//! Uploads of results over HTTP: what is taken, what is refused, and when.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use odavl_core::{storage::Sha256, uploads::RunId};
    use serde_json::{Value, json};
    use tokio::io::AsyncWriteExt;

    use super::support::{Answer, Service, answer, serve};

    async fn service(limits: &[(&str, Option<u64>)]) -> Service {
        let service = serve(limits).await;
        service.session().await.projects().create("my-app".parse().unwrap(), None).await.unwrap();
        service
    }

    fn sarif(run: RunId) -> Vec<u8> {
        let document = json!({"version": "2.1.0", "runs": [{
            "tool": {"driver": {"name": "clippy"}},
            "automationDetails": {"guid": run.to_string()},
            "results": [{"ruleId": "r", "level": "error", "message": {"text": "wrong"}}],
        }]});
        document.to_string().into_bytes()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    /// The head of an upload; `more` headers may follow.
    fn head(service: &Service, run: RunId, document: &[u8], more: &[(&str, &str)]) -> String {
        let (bearer, digest) = (format!("Bearer {}", service.key), Sha256::of(document).to_string());
        let target = format!("/api/v1/uploads?product=insight&project=my-app&run_id={run}");
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/sarif+json"),
            ("odavl-content-sha256", &digest),
        ];
        headers.extend(more);
        service.head("POST", &target, &headers)
    }

    async fn send_packed(
        service: &Service,
        run: RunId,
        document: &[u8],
        sent: &[u8],
        coding: &str,
    ) -> Answer {
        let length = sent.len().to_string();
        let head = head(service, run, document, &[("content-length", &length), ("content-encoding", coding)]);
        service.send(&head, sent).await
    }

    async fn send(service: &Service, run: RunId, document: &[u8]) -> Answer {
        send_packed(service, run, document, document, "identity").await
    }

    fn run() -> RunId {
        RunId::random().unwrap()
    }

    async fn assert_nothing(service: &Service) {
        assert_eq!(service.used("insight_analyses").await, 0);
        assert_eq!(service.used("storage_bytes").await, 0);
        let listed = service.api("GET", "/api/v1/uploads", None).await.ok();
        assert_eq!(listed["items"], json!([]));
    }

    #[tokio::test]
    async fn results_go_up_are_listed_come_back_and_go() {
        let service = service(&[]).await;
        let run = run();
        let document = sarif(run);
        let sent = gzip(&document);
        let uploaded = send_packed(&service, run, &document, &sent, "gzip").await.ok();
        assert_eq!(uploaded["replayed"], false);
        let upload = &uploaded["upload"];
        assert_eq!(upload["summary"]["levels"]["error"], 1);
        assert_eq!((&upload["size"], &upload["unpacked_size"]), (&json!(sent.len()), &json!(document.len())));
        let id = upload["id"].as_str().unwrap();
        let target = format!("/api/v1/uploads/{id}");
        assert_eq!(&service.api("GET", &target, None).await.ok(), upload);
        let listed = service.api("GET", "/api/v1/uploads?product=insight&project=my-app", None).await.ok();
        assert_eq!(&listed["items"], &json!([upload]));
        let content = service.api("GET", &format!("{target}/content"), None).await;
        assert_eq!((content.status, &content.body), (200, &sent));
        assert_eq!(content.header("content-encoding"), None, "it comes as it is stored");
        assert_eq!(content.header("content-security-policy"), Some("sandbox"));
        assert_eq!(
            content.header("content-disposition"),
            Some(format!("attachment; filename=\"{run}.sarif.gz\"").as_str())
        );
        assert_eq!(service.used("storage_bytes").await, sent.len() as u64);
        service.api("DELETE", &target, None).await.ok();
        service.api("GET", &target, None).await.is(404, "not_found");
        assert_eq!(service.used("storage_bytes").await, 0);
        assert_eq!(service.used("insight_analyses").await, 1);
    }

    #[tokio::test]
    async fn the_eleventh_run_is_refused_before_its_body_and_a_retry_is_not() {
        let service = service(&[]).await;
        let runs: Vec<_> = (0..10).map(|_| run()).collect();
        for run in &runs {
            send(&service, *run, &sarif(*run)).await.ok();
        }
        let eleventh = run();
        // The body never comes, and the answer does.
        let head = head(&service, eleventh, &sarif(eleventh), &[("content-length", "400")]);
        let refused = answer(service.open(&head).await).await;
        refused.is(429, "quota_exceeded");
        assert_eq!(refused.json()["meter"], "insight_analyses");
        let retried = send(&service, runs[9], &sarif(runs[9])).await.ok();
        assert_eq!(retried["replayed"], true);
        assert_eq!(service.used("insight_analyses").await, 10);
    }

    #[tokio::test]
    async fn a_run_with_another_content_is_a_conflict() {
        let service = service(&[]).await;
        let run = run();
        let document = sarif(run);
        send(&service, run, &document).await.ok();
        let other = [&document[..], b" "].concat();
        send(&service, run, &other).await.is(409, "conflict");
    }

    #[tokio::test]
    async fn what_is_no_whole_document_of_that_run_leaves_nothing() {
        let service = service(&[]).await;
        let run = run();
        let document = sarif(run);
        let of_another = sarif(self::run());
        let bomb = gzip(&[&document[..], &vec![b' '; 65 << 20]].concat());
        send(&service, run, &document[..document.len() - 1]).await.is(400, "invalid_input");
        send(&service, run, &of_another).await.is(400, "invalid_input");
        send(&service, run, b"{\"version\": \"2.0.0\"}").await.is(400, "invalid_input");
        send_packed(&service, run, b"another digest", &document, "identity").await.is(400, "invalid_input");
        send_packed(&service, run, &document, &document, "gzip").await.is(400, "invalid_input");
        send_packed(&service, run, &document, &document, "br").await.is(400, "invalid_input");
        let refused = send_packed(&service, run, &document, &bomb, "gzip").await;
        assert!(
            matches!(refused.json()["code"].as_str(), Some("too_large" | "invalid_input")),
            "{refused:?}"
        );
        assert_nothing(&service).await;
        assert_eq!(service.used("api_calls").await, 1, "the list of a moment ago");
        send(&service, run, &document).await.ok();
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_frees_the_run() {
        let service = service(&[]).await;
        let run = run();
        let document = sarif(run);
        let length = document.len().to_string();
        let head = head(&service, run, &document, &[("content-length", &length)]);
        let mut stream = service.open(&head).await;
        stream.write_all(&document[..20]).await.unwrap();
        stream.shutdown().await.unwrap();
        answer(stream).await.is(400, "invalid_input");
        assert_nothing(&service).await;
        let again = send(&service, run, &document).await.ok();
        assert_eq!(again["replayed"], false);
    }

    #[tokio::test]
    async fn the_length_is_said_ahead() {
        let service = service(&[]).await;
        let run = run();
        let document = sarif(run);
        let chunked = head(&service, run, &document, &[("transfer-encoding", "chunked")]);
        service.send(&chunked, b"0\r\n\r\n").await.is(411, "length_required");
        let large = head(&service, run, &document, &[("content-length", "67108865")]);
        answer(service.open(&large).await).await.is(413, "too_large");
        assert_nothing(&service).await;
    }

    #[tokio::test]
    async fn what_is_announced_wrongly_is_refused() {
        let service = service(&[]).await;
        let bearer = format!("Bearer {}", service.key);
        let digest = Sha256::of(b"").to_string();
        let send = async |query: String, digest: &str| {
            let headers = [
                ("authorization", bearer.as_str()),
                ("odavl-content-sha256", digest),
                ("content-length", "1"),
                ("content-type", "application/json"),
            ];
            let head = service.head("POST", &format!("/api/v1/uploads?{query}"), &headers);
            service.send(&head, b"x").await
        };
        let run = run();
        let good = format!("product=insight&project=my-app&run_id={run}");
        send(good.clone(), "nonsense").await.is(400, "invalid_input");
        send(good.replace("insight", "else"), &digest).await.is(400, "invalid_input");
        send(good.replace("my-app", "else"), &digest).await.is(404, "not_found");
        send(good.replace(&run.to_string(), "1"), &digest).await.is(400, "invalid_input");
        send(String::new(), &digest).await.is(400, "invalid_input");
    }

    #[tokio::test]
    async fn packed_bodies_are_refused_elsewhere() {
        let service = service(&[]).await;
        let bearer = format!("Bearer {}", service.key);
        let body = gzip(json!({"slug": "other"}).to_string().as_bytes());
        let length = body.len().to_string();
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
            ("content-length", &length),
        ];
        let head = service.head("POST", "/api/v1/projects", &headers);
        service.send(&head, &body).await.is(415, "unsupported_media_type");
    }

    #[tokio::test]
    async fn another_organisations_ids_and_nonsense_are_not_found() {
        let service = service(&[]).await;
        let id = odavl_core::ids::UploadId::new(service.odavl.now()).unwrap();
        for target in [format!("/api/v1/uploads/{id}"), "/api/v1/uploads/upl_nonsense".to_owned()] {
            service.api("GET", &target, None).await.is(404, "not_found");
            service.api("GET", &format!("{target}/content"), None).await.is(404, "not_found");
            service.api("DELETE", &target, None).await.is(404, "not_found");
        }
        let _: Value = service.api("GET", "/api/v1/uploads", None).await.ok();
    }
}
