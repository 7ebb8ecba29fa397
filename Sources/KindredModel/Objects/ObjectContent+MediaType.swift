extension ObjectContent {
    /// A value that a person hands in, with the media type they name; without one it is text if it is UTF-8, and bytes if not.
    package init(value: [UInt8], mediaType: String?) {
        let isText = String(validating: value, as: UTF8.self) != nil
        self.init(
            value: value, contentType: Array((mediaType ?? (isText ? "text/plain" : "application/octet-stream")).utf8),
            charset: mediaType == nil && isText ? Array("utf-8".utf8) : nil)
    }
}
