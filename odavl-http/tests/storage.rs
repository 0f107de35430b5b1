//! Stored objects over HTTP: the presigned requests take exactly what was announced.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use odavl_core::storage::Sha256;
    use serde_json::{Value, json};
    use tokio::io::AsyncWriteExt;

    use super::support::{Answer, Service, serve};

    async fn announce(service: &Service, name: &str, bytes: &[u8]) -> Value {
        let sha256 = Sha256::of(bytes).to_string();
        let body = json!({"name": name, "size": bytes.len(), "sha256": sha256, "content_type": "text/html"});
        service.api("POST", "/api/v1/storage/upload-url", Some(body)).await.ok()
    }

    async fn put(service: &Service, ticket: &Value, bytes: &[u8]) -> Answer {
        service.send(&service.presigned(&ticket["request"], |_| {}), bytes).await
    }

    async fn complete(service: &Service, ticket: &Value) -> Answer {
        let id = ticket["upload"]["id"].as_str().unwrap();
        service.api("POST", &format!("/api/v1/storage/uploads/{id}/complete"), None).await
    }

    async fn store(service: &Service, name: &str, bytes: &[u8]) {
        let ticket = announce(service, name, bytes).await;
        assert_eq!(put(service, &ticket, bytes).await.status, 200);
        complete(service, &ticket).await.ok();
    }

    async fn download_url(service: &Service, name: &str) -> Value {
        service.api("POST", "/api/v1/storage/download-url", Some(json!({"name": name}))).await.ok()
    }

    #[tokio::test]
    async fn an_object_goes_up_is_listed_comes_down_and_goes() {
        let service = serve(&[]).await;
        store(&service, "pages/a b.html", b"<script>alert(1)</script>").await;
        let listed = service.api("GET", "/api/v1/storage/files?prefix=pages/", None).await.ok();
        assert_eq!(listed["items"][0]["object"]["size"], 25);
        let folders = service.api("GET", "/api/v1/storage/files?delimiter=/", None).await.ok();
        assert_eq!(folders["items"], json!([{"name": "pages/", "object": null}]));

        let request = download_url(&service, "pages/a b.html").await;
        let whole = service.send(&service.presigned(&request, |_| {}), b"").await;
        assert_eq!((whole.status, &whole.body[..]), (200, &b"<script>alert(1)</script>"[..]));
        for (name, value) in [
            ("content-disposition", "attachment; filename*=UTF-8''a%20b.html"),
            ("content-security-policy", "sandbox"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("content-type", "text/html"),
            ("content-length", "25"),
        ] {
            assert_eq!(whole.header(name), Some(value), "{name}");
        }
        let stats = service.api("GET", "/api/v1/storage/stats", None).await.ok();
        assert_eq!(stats, json!({"objects": 1, "bytes": 25, "garbage_bytes": 0}));
        let deleted = service.api("DELETE", "/api/v1/storage/files?name=pages/a%20b.html", None).await.ok();
        assert_eq!(deleted["object"]["size"], 25);
        service.api("DELETE", "/api/v1/storage/files?name=pages/a%20b.html", None).await.is(404, "not_found");
    }

    #[tokio::test]
    async fn a_range_of_an_object_comes_alone() {
        let service = serve(&[]).await;
        store(&service, "a", b"0123456789").await;
        let request = download_url(&service, "a").await;
        let get = async |range: &str| {
            let range = ("range".to_owned(), range.to_owned());
            service.send(&service.presigned(&request, |headers| headers.push(range.clone())), b"").await
        };
        let part = get("bytes=2-4").await;
        assert_eq!((part.status, &part.body[..]), (206, &b"234"[..]));
        assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
        assert_eq!(get("bytes=10-").await.status, 416);
        assert_eq!(get("lines=1-2").await.status, 200);
    }

    #[tokio::test]
    async fn a_download_keeps_the_conditions_that_come_with_it() {
        let service = serve(&[]).await;
        store(&service, "a", b"0123456789").await;
        let request = download_url(&service, "a").await;
        let get = async |conditions: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| (String::from(*name), String::from(*value));
            let conditions: Vec<_> = conditions.iter().map(owned).collect();
            let head = service.presigned(&request, |headers| headers.extend(conditions.clone()));
            service.send(&head, b"").await
        };
        let etag = get(&[]).await.header("etag").unwrap().to_owned();
        assert_eq!(get(&[("range", "bytes=2-4"), ("if-range", &etag)]).await.status, 206);
        let another = get(&[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await;
        assert_eq!((another.status, &another.body[..]), (200, &b"0123456789"[..]));
        let known = get(&[("if-none-match", &format!("\"x\", W/{etag}"))]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        assert_eq!(get(&[("if-none-match", "\"x\"")]).await.status, 200);
        assert_eq!(get(&[("if-match", &etag)]).await.status, 200);
        assert_eq!(get(&[("if-match", "\"x\"")]).await.status, 412);
        // Twice would be passed over, and the object be another than was meant.
        get(&[("if-match", "\"x\""), ("if-match", "\"y\"")]).await.is(400, "invalid_input");
    }

    #[tokio::test]
    async fn a_presigned_put_takes_exactly_what_was_announced_and_once() {
        let service = serve(&[]).await;
        let ticket = announce(&service, "a", b"hello").await;
        let request = &ticket["request"];
        let set = |name: &'static str, value: &'static str| {
            service.presigned(request, move |headers| {
                headers
                    .iter_mut()
                    .filter(|(known, _)| known == name)
                    .for_each(|(_, old)| value.clone_into(old));
            })
        };
        let without = |name: &'static str| {
            service.presigned(request, move |headers| headers.retain(|(known, _)| known != name))
        };
        let chunked = without("content-length").replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
        let moved = set("", "").replace("/storage/direct/org_", "/storage/direct/org_0");
        let get = set("", "").replacen("PUT", "GET", 1);
        for (head, body, status) in [
            (set("content-length", "6"), "hello!", 403),
            (set("content-length", "4"), "hell", 403),
            (chunked, "5\r\nhello\r\n0\r\n\r\n", 403),
            (set("content-type", "text/plain"), "hello", 403),
            (without("content-type"), "hello", 403),
            (without("if-none-match"), "hello", 403),
            (without("x-amz-checksum-sha256"), "hello", 403),
            (moved, "hello", 403),
            (get, "hello", 403),
            (set("", ""), "hallo", 400),
        ] {
            let refused = service.send(&head, body.as_bytes()).await;
            assert_eq!(refused.status, status, "{head}");
            complete(&service, &ticket).await.is(409, "conflict");
        }
        assert_eq!(put(&service, &ticket, b"hello").await.status, 200);
        assert_eq!(put(&service, &ticket, b"hello").await.status, 412);
        complete(&service, &ticket).await.ok();
        complete(&service, &ticket).await.ok();
        assert_eq!(service.used("storage_bytes").await, 5);
    }

    #[tokio::test]
    async fn an_upload_that_is_given_up_holds_nothing_and_takes_nothing() {
        let service = serve(&[("storage_bytes", Some(5))]).await;
        let ticket = announce(&service, "a", b"hello").await;
        let id = ticket["upload"]["id"].as_str().unwrap();
        let target = format!("/api/v1/storage/uploads/{id}");
        for _ in 0..2 {
            assert_eq!(service.api("DELETE", &target, None).await.status, 200);
        }
        assert_eq!(service.api("GET", &target, None).await.ok()["state"], "abandoned");
        assert_eq!(put(&service, &ticket, b"hello").await.status, 412);
        complete(&service, &ticket).await.is(409, "conflict");
        store(&service, "a", b"again").await;
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_leaves_nothing_and_can_be_sent_again() {
        let service = serve(&[]).await;
        let bytes = vec![7; 300_000];
        let ticket = announce(&service, "a", &bytes).await;
        let head = service.presigned(&ticket["request"], |_| {});
        let mut stream = service.open(&head).await;
        stream.write_all(&bytes[..200_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        let broken = super::support::answer(stream).await;
        broken.is(400, "invalid_input");
        complete(&service, &ticket).await.is(409, "conflict");
        let staged = std::fs::read_dir(service.folder.path().join("data/objects/staging")).unwrap();
        assert_eq!(staged.count(), 0);
        assert_eq!(put(&service, &ticket, &bytes).await.status, 200);
        complete(&service, &ticket).await.ok();
    }

    #[tokio::test]
    async fn names_that_lead_elsewhere_are_refused() {
        let service = serve(&[]).await;
        let long = "a".repeat(1025);
        for name in ["", "..", "a/../b", "a\0b", "a\u{202e}b", "cafe\u{301}", ".odavl/x", &long] {
            let body = json!({"name": name, "size": 1, "sha256": Sha256::of(b"x").to_string()});
            service.api("POST", "/api/v1/storage/upload-url", Some(body)).await.is(400, "invalid_input");
        }
    }

    #[tokio::test]
    async fn another_organisations_upload_is_not_found() {
        let service = serve(&[]).await;
        let id = odavl_core::ids::UploadId::new(service.odavl.now()).unwrap();
        for (method, path) in [("GET", ""), ("POST", "/complete")] {
            let target = format!("/api/v1/storage/uploads/{id}{path}");
            service.api(method, &target, None).await.is(404, "not_found");
        }
        service.api("GET", "/api/v1/storage/uploads/upl_1", None).await.is(404, "not_found");
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_with_the_limit() {
        let service = serve(&[("storage_bytes", Some(4))]).await;
        let body = json!({"name": "a", "size": 5, "sha256": Sha256::of(b"hello").to_string()});
        let refused = service.api("POST", "/api/v1/storage/upload-url", Some(body)).await;
        refused.is(429, "quota_exceeded");
        let refused = refused.json();
        assert_eq!((&refused["meter"], &refused["units"]), (&json!("storage_bytes"), &json!(5)));
    }

    #[tokio::test]
    async fn a_large_object_comes_in_parts() {
        let service = serve(&[]).await;
        let size = (64 << 20) + 3;
        let body = json!({"name": "large", "size": size, "overwrite": false});
        let ticket = service.api("POST", "/api/v1/storage/upload-url", Some(body)).await.ok();
        assert_eq!(ticket["request"], Value::Null);
        assert_eq!(ticket["upload"]["missing"], json!([1, 2, 3, 4, 5]));
        let id = ticket["upload"]["id"].as_str().unwrap();
        let body = json!({"parts": [{"number": 5, "sha256": Sha256::of(b"end").to_string()}]});
        let signed =
            service.api("POST", &format!("/api/v1/storage/uploads/{id}/parts"), Some(body)).await.ok();
        let head = service.presigned(&signed["items"][0]["request"], |_| {});
        assert_eq!(service.send(&head, b"and").await.status, 400);
        assert_eq!(service.send(&head, b"end").await.status, 200);
        let status = service.api("GET", &format!("/api/v1/storage/uploads/{id}"), None).await.ok();
        assert_eq!(status["missing"], json!([1, 2, 3, 4]));
    }
}
