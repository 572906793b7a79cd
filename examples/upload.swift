// Uploads a file. `BegunUpload` and `File` are generated: see examples.md.
import Foundation

struct Refused: Error { let status: Int, body: String }

func upload(_ path: URL, type: String, to study: URL, key: String) async throws -> File {
    func answer(_ exchange: (Data, URLResponse), or accepted: Int? = nil) throws -> Data {
        let status = (exchange.1 as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) || status == accepted else {
            throw Refused(status: status, body: String(decoding: exchange.0, as: UTF8.self))
        }
        return exchange.0
    }
    func post(_ to: String, _ body: [String: Any] = [:]) async throws -> Data {
        var request = URLRequest(url: study.appendingPathComponent(to))
        request.httpMethod = "POST"
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue(UUID().uuidString, forHTTPHeaderField: "Idempotency-Key")
        request.httpBody = try JSONSerialization.data(withJSONObject: body)
        return try answer(await URLSession.shared.data(for: request))
    }
    let size = try path.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
    let about: [String: Any] = ["name": path.lastPathComponent, "mediaType": type, "size": size, "upload": "single"]
    let upload = try BegunUpload(data: await post("files", about)).upload
    guard let address = upload.url.flatMap(URL.init(string:)) else { throw URLError(.badServerResponse) }

    // Exactly what was signed; the length is the session's own to say.
    var put = URLRequest(url: address)
    put.httpMethod = "PUT"
    for (name, value) in upload.headers ?? [:] where name != "content-length" {
        put.setValue(value, forHTTPHeaderField: name)
    }
    // 412: an earlier try has arrived.
    _ = try answer(await URLSession.shared.upload(for: put, fromFile: path), or: 412)
    return try File(data: await post("uploads/\(upload.id)/complete"))
}
