/// The byte that says which message a frame of Riak's protocol holds: every code the protocol has given out, and two of
/// Kindred's own.
///
/// Names follow the protocol's own, without their `Rpb`; a code outside this list is answered with an error.
package enum RiakMessageCode: UInt8, Sendable, CaseIterable {
    case errorResponse = 0
    case pingRequest = 1
    case pingResponse = 2
    case getClientIDRequest = 3
    case getClientIDResponse = 4
    case setClientIDRequest = 5
    case setClientIDResponse = 6
    case getServerInfoRequest = 7
    case getServerInfoResponse = 8
    case getRequest = 9
    case getResponse = 10
    case putRequest = 11
    case putResponse = 12
    case deleteRequest = 13
    case deleteResponse = 14
    case listBucketsRequest = 15
    case listBucketsResponse = 16
    case listKeysRequest = 17
    case listKeysResponse = 18
    case getBucketRequest = 19
    case getBucketResponse = 20
    case setBucketRequest = 21
    case setBucketResponse = 22
    case mapReduceRequest = 23
    case mapReduceResponse = 24
    case indexRequest = 25
    case indexResponse = 26
    case searchQueryRequest = 27
    case searchQueryResponse = 28
    case resetBucketRequest = 29
    case resetBucketResponse = 30
    case getBucketTypeRequest = 31
    case setBucketTypeRequest = 32
    case getPreferenceListRequest = 33
    case getPreferenceListResponse = 34

    case contentStoreBucketRequest = 40
    case contentStoreBucketResponse = 41
    case indexBodyResponse = 42

    case counterUpdateRequest = 50
    case counterUpdateResponse = 51
    case counterGetRequest = 52
    case counterGetResponse = 53
    case searchIndexGetRequest = 54
    case searchIndexGetResponse = 55
    case searchIndexPutRequest = 56
    case searchIndexDeleteRequest = 57
    case searchSchemaGetRequest = 58
    case searchSchemaGetResponse = 59
    case searchSchemaPutRequest = 60

    case coverageRequest = 70
    case coverageResponse = 71

    case dataTypeFetchRequest = 80
    case dataTypeFetchResponse = 81
    case dataTypeUpdateRequest = 82
    case dataTypeUpdateResponse = 83

    case timeSeriesQueryRequest = 90
    case timeSeriesQueryResponse = 91
    case timeSeriesPutRequest = 92
    case timeSeriesPutResponse = 93
    case timeSeriesDeleteRequest = 94
    case timeSeriesDeleteResponse = 95
    case timeSeriesGetRequest = 96
    case timeSeriesGetResponse = 97
    case timeSeriesListKeysRequest = 98
    case timeSeriesListKeysResponse = 99
    case timeSeriesCoverageRequest = 100
    case timeSeriesCoverageResponse = 101
    case timeSeriesCoverageEntry = 102
    case timeSeriesRange = 103
    case timeSeriesTerms = 104

    case replicationGetRequest = 128
    case replicationClusterIDRequest = 129
    case replicationClusterIDResponse = 130

    case realTimeEnqueueRequest = 200
    case realTimeEnqueueResponse = 201
    case replicationFetchRequest = 202
    case replicationFetchResponse = 203
    case replicationPushRequest = 204
    case replicationPushResponse = 205
    case membershipRequest = 206
    case membershipResponse = 207

    case foldMergeRootRequest = 210
    case foldMergeBranchRequest = 211
    case foldFetchClocksRequest = 212
    case foldMergeTreesRangeRequest = 213
    case foldFetchClocksRangeRequest = 214
    case foldFindKeysRequest = 215
    case foldObjectStatisticsRequest = 216
    case foldReplicateKeysRequest = 217
    case foldFindTombstonesRequest = 218
    case foldRepairKeysRequest = 219
    case foldTreeResponse = 220
    case foldKeyValueResponse = 221
    case foldKeyCountResponse = 222
    case foldListBucketsRequest = 223
    case foldListBucketsResponse = 224
    case foldReapTombstonesRequest = 230
    case foldEraseKeysRequest = 231

    // Kindred's own: the protocol has given out no code between 231 and 253.
    case administrationRequest = 240
    case administrationResponse = 241

    case authenticationRequest = 253
    case authenticationResponse = 254
    case startTLS = 255

    /// Whether the message consists of its code alone. A body that comes with such a request all the same is ignored.
    package var isBodyless: Bool {
        switch self {
        case .pingRequest, .pingResponse, .getClientIDRequest, .setClientIDResponse, .getServerInfoRequest,
            .deleteResponse, .setBucketResponse, .resetBucketResponse, .authenticationResponse, .startTLS:
            true
        default:
            false
        }
    }

    /// The code of the answer to a request that Kindred serves; nil for everything it does not, answers included.
    ///
    /// The requests about bucket types have no answers of their own: they borrow those about buckets.
    package var answer: RiakMessageCode? {
        switch self {
        case .pingRequest: .pingResponse
        case .getClientIDRequest: .getClientIDResponse
        case .setClientIDRequest: .setClientIDResponse
        case .getServerInfoRequest: .getServerInfoResponse
        case .getRequest: .getResponse
        case .putRequest: .putResponse
        case .deleteRequest: .deleteResponse
        case .listBucketsRequest: .listBucketsResponse
        case .listKeysRequest: .listKeysResponse
        case .getBucketRequest, .getBucketTypeRequest: .getBucketResponse
        case .setBucketRequest, .setBucketTypeRequest: .setBucketResponse
        case .resetBucketRequest: .resetBucketResponse
        case .getPreferenceListRequest: .getPreferenceListResponse
        case .administrationRequest: .administrationResponse
        default: nil
        }
    }

    /// Whether Kindred serves this request. Every other message is answered with an error, and the connection stays.
    package var isServed: Bool { answer != nil }
}
