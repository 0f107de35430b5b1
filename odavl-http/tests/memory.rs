//! Bytes that come and go are not held in memory. Alone in its process, so that nothing else is measured.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use odavl_core::storage::Hasher;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::support::{answer, serve};

    const SIZE: u64 = 64 << 20;
    const PIECE: usize = 64 << 10;

    /// The most memory that this process ever had, in bytes.
    fn peak() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    #[tokio::test]
    async fn an_object_goes_up_and_down_in_bounded_memory() {
        let service = serve(&[]).await;
        let piece = vec![42; PIECE];
        let mut hasher = Hasher::default();
        for _ in 0..SIZE / PIECE as u64 {
            hasher.update(&piece);
        }
        let sha256 = hasher.finish().to_string();
        let body = json!({"name": "a", "size": SIZE, "sha256": sha256});
        let ticket = service.api("POST", "/api/v1/storage/upload-url", Some(body)).await.ok();
        let before = peak();

        let mut stream = service.open(&service.presigned(&ticket["request"], |_| {})).await;
        for _ in 0..SIZE / PIECE as u64 {
            stream.write_all(&piece).await.unwrap();
        }
        assert_eq!(answer(stream).await.status, 200);
        let id = ticket["upload"]["id"].as_str().unwrap();
        service.api("POST", &format!("/api/v1/storage/uploads/{id}/complete"), None).await.ok();

        let request =
            service.api("POST", "/api/v1/storage/download-url", Some(json!({"name": "a"}))).await.ok();
        let mut stream = service.open(&service.presigned(&request, |_| {})).await;
        let (mut came, mut buffer) = (0, vec![0; PIECE]);
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                read => came += read as u64,
            }
        }
        assert!(came > SIZE);
        let more = peak() - before;
        assert!(more < 32 << 20, "{more} bytes more");
    }
}
