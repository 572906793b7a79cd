// Uploads a file, with OkHttp and kotlinx.serialization. `BegunUpload` and `File` are generated: see examples.md.
package org.example.app

import java.nio.file.Path
import java.util.UUID
import kotlin.io.path.fileSize
import kotlin.io.path.name
import kotlinx.serialization.json.*
import okhttp3.*
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.RequestBody.Companion.asRequestBody
import okhttp3.RequestBody.Companion.toRequestBody

class Refused(val status: Int, val body: String) : Exception("Answered $status")

private val http = OkHttpClient()
private val json = Json { ignoreUnknownKeys = true }

/** Blocks: not for the main thread. */
fun upload(path: Path, type: String, study: String, key: String): File {
    fun answer(request: Request, accepted: Int? = null): String = http.newCall(request).execute().use {
        val body = it.body?.string().orEmpty()
        if (it.isSuccessful || it.code == accepted) body else throw Refused(it.code, body)
    }
    fun post(to: String, body: JsonObject = JsonObject(emptyMap())) = answer(
        Request.Builder().url("$study/$to").header("Authorization", "Bearer $key")
            .header("Idempotency-Key", UUID.randomUUID().toString())
            .post(body.toString().toRequestBody("application/json".toMediaType())).build()
    )
    val about = buildJsonObject {
        put("name", path.name); put("mediaType", type); put("size", path.fileSize()); put("upload", "single")
    }
    val upload = json.decodeFromString<BegunUpload>(post("files", about)).upload
    // Exactly what was signed: a body without a type of its own leaves the header as it is. 412: an earlier try has arrived.
    val put = Request.Builder().url(checkNotNull(upload.url)).put(path.toFile().asRequestBody(null))
    upload.headers.orEmpty().filterKeys { it != "content-length" }.forEach { (name, value) -> put.header(name, value) }
    answer(put.build(), accepted = 412)
    return json.decodeFromString<File>(post("uploads/${upload.id}/complete"))
}
