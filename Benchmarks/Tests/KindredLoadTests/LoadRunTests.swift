#if os(Linux)
    import Testing

    @testable import KindredLoad

    @Suite struct LoadRunTests {
        private func options(_ server: FakeRiak) -> LoadOptions {
            var options = LoadOptions()
            options.port = server.port
            options.connections = 4
            options.keys = 20
            options.valueSize = 64
            options.durationSeconds = 0.2
            options.warmupSeconds = 0.05
            options.stallSeconds = 0.3
            return options
        }

        private func run(_ server: FakeRiak, _ change: (inout LoadOptions) -> Void = { _ in }) throws -> LoadReport {
            defer { server.stop() }
            var options = options(server)
            change(&options)
            return try LoadRun.run(options.validated())
        }

        @Test func aProperServerCausesNoErrors() throws {
            let report = try run(FakeRiak(.proper)) { $0.preload = true }
            #expect(report.errors == [:])
            #expect(report.get.count > 0 && report.put.count > 0)
            #expect(report.operations == report.get.count + report.put.count)
            #expect(report.notFound == 0)
            #expect(report.get.latencyMicroseconds.map { $0.p50 > 0 && $0.p50 <= $0.p99 && $0.p99 <= $0.max } == true)
        }

        @Test(arguments: LoadOptions.Distribution.allCases)
        func pipelinesAndThreadsLoseNoReply(_ distribution: LoadOptions.Distribution) throws {
            let report = try run(FakeRiak(.proper)) {
                $0.preload = true
                $0.pipeline = 9
                $0.threads = 3
                $0.distribution = distribution
                $0.valueSize = 20_000
            }
            #expect(report.errors == [:])
            #expect(report.operations > 0)
        }

        @Test func getsThatFindNothingAreNoErrorsUnlessKeysWerePreloaded() throws {
            let empty = try run(FakeRiak(.forgetful)) { $0.puts = 0 }
            #expect(empty.errorCount == 0 && empty.notFound > 0)
            let lost = try run(FakeRiak(.forgetful)) {
                $0.puts = 0
                $0.preload = true
            }
            #expect(lost.errors.keys.sorted() == ["a preloaded key was not found"])
        }

        @Test func anotherKeysValueIsNoticed() throws {
            let report = try run(FakeRiak(.confused)) {
                $0.puts = 0
                $0.preload = true
            }
            #expect(report.errors.keys.sorted() == ["a get returned another value"])
        }

        @Test func refusalsAreCountedByTheirTextAndAreNoOperations() throws {
            let report = try run(FakeRiak(.refusing("overload")))
            #expect(report.errors.keys.sorted() == ["overload"])
            #expect(report.operations == 0)
            #expect(throws: LoadError.self) { try run(FakeRiak(.refusing("overload"))) { $0.preload = true } }
        }

        @Test func lostConnectionsEndTheRun() throws {
            let closed = try run(FakeRiak(.hangingUp))
            #expect(closed.errors == ["connection closed by the server": 4])
            let garbled = try run(FakeRiak(.babbling))
            #expect(garbled.errors == ["malformed reply": 4])
        }

        @Test func silenceEndsTheRun() throws {
            let report = try run(FakeRiak(.silent))
            #expect(report.errors == ["no reply for 0.3 s": 4])
        }

        @Test func putsEchoTheContextOfTheLastGet() throws {
            let server = try FakeRiak(.proper)
            let report = try run(server) {
                $0.connections = 1
                $0.preload = true
                $0.context = .echo
                $0.keys = 5
            }
            #expect(report.errors == [:])
            let contexts = server.contexts
            #expect(contexts.prefix(5).allSatisfy { $0 == 0 })
            #expect(contexts.count > 5 && contexts.dropFirst(5).allSatisfy { $0 > 0 })
        }

        @Test func anOpenLoopKeepsItsRate() throws {
            let report = try run(FakeRiak(.proper)) {
                $0.preload = true
                $0.rate = 500
            }
            #expect(report.errors == [:])
            // 100 are due; a closed loop would send thousands. The margin is for a busy machine.
            #expect((50...150).contains(report.operations + report.unsent))
        }

        @Test func anOpenLoopCountsWhatItCouldNotSend() throws {
            let report = try run(FakeRiak(.proper)) {
                $0.preload = true
                $0.rate = 10_000_000
            }
            #expect(report.errors == [:])
            #expect(report.unsent > 1_000)
        }

        @Test func theServersTimeIsCharged() throws {
            let report = try run(FakeRiak(.proper)) { $0.serverPID = 1 }
            #expect(report.serverCPU.map { $0.cores >= 0 && $0.cores < 1 } == true)
            #expect(throws: LoadError.self) { try run(FakeRiak(.proper)) { $0.serverPID = .max } }
        }

        @Test func nobodyListens() throws {
            let server = try FakeRiak(.proper)
            server.stop()
            #expect(throws: LoadError.self) { try LoadRun.run(options(server).validated()) }
        }
    }
#endif
