//! What is exported whole: records as lines, history as a table.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use odavl_core::{
        auth::{KeyUpdate, NewKeyRequest},
        ids::UploadId,
        metering::Consume,
        page::PageQuery,
    };
    use serde_json::Value;

    use super::support::serve;

    #[tokio::test]
    async fn records_are_exported_whole_a_line_each_in_the_order_of_the_chain() {
        let mut service = serve(&[]).await;
        let session = service.session().await;
        let auditor = NewKeyRequest::new("auditor", "org:write".parse().unwrap());
        service.key = session.keys().create(auditor).await.unwrap().token.unwrap().secret().reveal().clone();
        let key = session.keys().list(&PageQuery::default()).await.unwrap().items[0].id;
        // More than one page of them.
        for number in 0..1005 {
            let update = KeyUpdate { name: Some(format!("n-{number}")), ..KeyUpdate::default() };
            session.keys().update(key, update).await.unwrap();
        }
        let page = service.api("GET", "/api/v1/audit?limit=2", None).await.ok();
        let answer = service.api("GET", "/api/v1/audit/export", None).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
        assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"audit.ndjson\""));
        let text = String::from_utf8(answer.body).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.len() > 1005, "{}", lines.len());
        assert_eq!(page["items"].as_array().unwrap()[..], lines[..2]);
        for (line, place) in lines.iter().zip(1_u64..) {
            assert_eq!(line["seq"], place);
        }
        for two in lines.windows(2) {
            assert_eq!(two[0]["hash"], two[1]["previous"]);
        }
    }

    #[tokio::test]
    async fn records_are_for_those_who_run_the_organization() {
        let service = serve(&[]).await;
        for path in ["/api/v1/audit", "/api/v1/audit/export"] {
            service.api("GET", path, None).await.is(403, "forbidden");
        }
    }

    #[tokio::test]
    async fn history_is_a_table_with_a_heading() {
        let service = serve(&[]).await;
        let absent = UploadId::new(service.odavl.now()).unwrap();
        service.api("GET", &format!("/api/v1/storage/uploads/{absent}"), None).await.is(404, "not_found");
        let wish = Consume {
            meter: "api_calls".parse().unwrap(),
            units: 3,
            idempotency_key: None,
            tags: std::collections::BTreeMap::new(),
        };
        service.session().await.usage().consume(wish).await.unwrap();
        let span = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&window=month";
        let query = format!("meter=api_calls&{span}");
        let path = format!("/api/v1/usage/history/export?{query}");
        let answer = service.api("GET", &path, None).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv")));
        let text = String::from_utf8(answer.body).unwrap();
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!((lines[0], lines.len()), ("start,subject,units,count,closing", 3), "{text}");
        let json = service.api("GET", &format!("/api/v1/usage/history?{query}"), None).await.ok();
        let bucket = &json["items"][0];
        let line = format!("{},,{},{},", bucket["start"].as_str().unwrap(), bucket["units"], bucket["count"]);
        assert_eq!(lines[1], line);
        service.api("GET", &path.replace("api_calls", "absent"), None).await.is(400, "invalid_input");
        let finely = path.replace("window=month", "window=hour");
        service.api("GET", &finely, None).await.is(400, "invalid_input");
    }
}
