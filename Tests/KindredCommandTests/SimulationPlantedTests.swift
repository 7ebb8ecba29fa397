import ArgumentParser
import KindredModel
import KindredSimulator
import Testing

@testable import KindredCommand

/// The table of planted faults.
@Suite struct SimulationPlantedTests {
    private func table(caught: Bool, passedOver: Int = 0) -> PlantedFaultTable {
        var table = PlantedFaultTable()
        var row = PlantedFaultTable.Row(fault: .clockMerged)
        row.seeds = 1_017
        row.seconds = 12
        row.passedOver = passedOver
        if caught {
            row.caught = (FoundViolation(seed: 17, kind: .wrongReplica, time: .zero, text: ""), .network)
        }
        table.rows = [row]
        return table
    }

    @Test func anUnnoticedFaultIsAFailure() {
        #expect(table(caught: true).exitCode == .success)
        #expect(table(caught: false).exitCode.rawValue == 1)
    }

    @Test func aTableForADocument() {
        #expect(
            table(caught: true).markdown == [
                "| fault | what goes wrong | caught by | profile | seeds | time |",
                "| --- | --- | --- | --- | --- | --- |",
                "| `clock-merged` | \(PlantedFault.clockMerged.summary) | P2 exactness of a replica | network | 1,017 | 12s |",
                "", "1 of 1 planted fault caught.",
            ])
    }

    @Test func aTableForPeople() {
        let lines = table(caught: false, passedOver: 2).lines(Style(isOn: false))
        #expect(lines[1].hasPrefix("clock-merged  not caught") && lines.contains("0 of 1 planted fault caught."))
        #expect(lines.last == "Passed over, because they break a promise without a planted fault, too: 2 runs.")
    }
}
