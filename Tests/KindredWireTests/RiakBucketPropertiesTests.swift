import Foundation
import KindredModel
import KindredWire
import Testing

@Suite struct RiakBucketPropertiesTests {
    // MARK: Both ways

    /// Every property there is, with every form of value it can have; the registry never shows another one.
    private static let allForms: [Property] = {
        let flags = [
            "allow_mult", "last_write_wins", "write_once", "dvv_enabled", "basic_quorum", "notfound_ok", "consistent",
            "search", "conflict_log",
        ]
        let numbers = ["n_val", "old_vclock", "young_vclock", "big_vclock", "small_vclock", "hll_precision"]
        let quorums = ["r", "w", "dw", "rw", "pr", "pw", "node_confirms"]
        let texts = ["conflict_strategy", "datatype", "backend", "search_index"]
        let function: PropertyValue = .object([Property("mod", "module"), Property("fun", "function")])
        let hooks: [PropertyValue] = [
            .list([]), .list([function]), .list([.object([Property("name", "Script.hook")]), function]),
        ]
        let values: [(names: [String], values: [PropertyValue])] = [
            (flags, [false, true]),
            (numbers, [0, 3, 4_294_967_295]),
            (quorums, ["one", "quorum", "all", "default", 0, 3, 4_294_967_290]),
            (texts, ["version-vectors", "", "größer"]),
            (["chash_keyfun", "linkfun"], [function]),
            (["precommit", "postcommit"], hooks),
            (["repl"], [false, true, "realtime", "fullsync"]),
            (["sync_on_write"], ["backend", "one", "all"]),
        ]
        var forms: [Property] = []
        for (names, values) in values {
            for name in names {
                for value in values { forms.append(Property(name, value)) }
            }
        }
        return forms
    }()

    @Test func eachPropertyComesBackAsItWas() throws {
        for property in Self.allForms {
            #expect(try roundTrip(PropertySet([property])) == PropertySet([property]))
        }
    }

    @Test func allPropertiesTogetherComeBackAsTheyWere() throws {
        let all = PropertySet(Self.allForms)
        #expect(all.entries.count == 32)
        #expect(try roundTrip(all) == all)
    }

    @Test func everyPropertyOfEveryTypeHasAField() throws {
        var types = BucketTypeRegistry()
        for dataType in DataType.allCases {
            _ = try types.create(Array(dataType.rawValue.utf8), ["datatype": .text(dataType.rawValue)])
        }
        #expect(types.list.count == 10)
        for type in types.list {
            #expect(try roundTrip(type.properties) == type.properties)
        }
    }

    @Test func nothingIsSetThatIsNotThere() throws {
        #expect(try roundTrip([:]).isEmpty)
        #expect(try RpbBucketProps([:]).riakBody().isEmpty)
    }

    // MARK: Bytes

    /// Field numbers and symbolic quorums are the protocol's; the last three are far above them.
    @Test func theBytes() throws {
        let examples: [(Property, [UInt8])] = [
            (Property("n_val", 3), [0x08, 3]),
            (Property("allow_mult", true), [0x10, 1]),
            (Property("last_write_wins", false), [0x18, 0]),
            (Property("precommit", .list([])), [0x28, 1]),
            (Property("old_vclock", 86_400), [0x50, 0x80, 0xA3, 0x05]),
            (Property("pr", "one"), [0x70, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F]),
            (Property("r", "quorum"), [0x78, 0xFD, 0xFF, 0xFF, 0xFF, 0x0F]),
            (Property("w", "all"), [0x80, 0x01, 0xFC, 0xFF, 0xFF, 0xFF, 0x0F]),
            (Property("pw", 0), [0x88, 0x01, 0]),
            (Property("repl", "fullsync"), [0xC0, 0x01, 2]),
            (Property("datatype", "map"), [0xD2, 0x01, 3, 0x6D, 0x61, 0x70]),
            (Property("write_once", true), [0xE0, 0x01, 1]),
            (Property("hll_precision", 14), [0xE8, 0x01, 14]),
            (Property("node_confirms", 2), [0xF0, 0x01, 2]),
            (Property("sync_on_write", "all"), [0xF8, 0x01, 2]),
            (Property("conflict_strategy", "any"), [0xC2, 0x3E, 3, 0x61, 0x6E, 0x79]),
            (Property("dvv_enabled", true), [0xC8, 0x3E, 1]),
            (Property("conflict_log", false), [0xD0, 0x3E, 0]),
        ]
        for (property, bytes) in examples {
            #expect(try RpbBucketProps(PropertySet([property])).riakBody() == bytes, "\(property.name)")
            #expect(try decode(bytes) == PropertySet([property]), "\(property.name)")
        }
    }

    @Test func aListOfHooksIsMeantWithAndWithoutItsFlag() throws {
        let hook: PropertyValue = .object([Property("name", "a")])
        // Field 4: a hook whose field 2, the name, is "a".
        #expect(try decode([0x22, 3, 0x12, 1, 0x61]) == ["precommit": .list([hook])])
        #expect(try decode([0x22, 3, 0x12, 1, 0x61, 0x28, 1]) == ["precommit": .list([hook])])
        // A client that sends the flag as false has no list.
        #expect(try decode([0x28, 0, 0x38, 0]).isEmpty)
    }

    @Test func fieldsOfLaterVersionsArePassedOver() throws {
        // Fields 32 and 2000, then n_val.
        #expect(try decode([0x80, 0x02, 1, 0x82, 0x7D, 1, 0x61, 0x08, 3]) == ["n_val": 3])
    }

    @Test(
        arguments: [
            [0xD2, 0x01, 1, 0xFF],  // datatype that is not UTF-8
            [0xC2, 0x3E, 2, 0xC3, 0x28],  // conflict_strategy that is not UTF-8
            [0x22, 0],  // a hook without a function
            [0x42, 3, 0x0A, 1, 0x61],  // chash_keyfun without its function
            [0x08],  // n_val without its number
        ] as [[UInt8]])
    func whatIsNoSetOfPropertiesIsRefused(_ bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self) { try decode(bytes) }
    }

    // MARK: What cannot be sent

    @Test(
        arguments: [
            Property("alow_mult", true),
            Property("allow_mult", "yes"),
            Property("n_val", "three"),
            Property("n_val", -1),
            Property("n_val", 4_294_967_296),
            Property("r", "most"),
            Property("r", -1),
            Property("r", true),
            Property("backend", 1),
            Property("linkfun", .object([Property("mod", "module")])),
            Property("linkfun", .object([Property("mod", "module"), Property("fun", 1)])),
            Property("precommit", true),
            Property("precommit", .list(["name"])),
            Property("repl", "sometimes"),
            Property("sync_on_write", "two"),
        ])
    func whatHasNoFieldIsRefusedByName(_ property: Property) throws {
        let error = try #require(throws: UnsendableProperty.self) { try RpbBucketProps(PropertySet([property])) }
        #expect(error.name == property.name)
        #expect(error.description.hasPrefix("\(property.name): "))
    }

    private func roundTrip(_ properties: PropertySet) throws -> PropertySet {
        try decode(RpbBucketProps(properties).riakBody())
    }

    private func decode(_ bytes: [UInt8]) throws -> PropertySet {
        try bytes.withUnsafeBytes { try RpbBucketProps(riakBody: $0).propertySet() }
    }
}

/// Never a message by itself; here it is looked at by itself.
extension RpbBucketProps: RiakMessage {}
