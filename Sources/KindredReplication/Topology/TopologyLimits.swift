/// The bounds of a cluster's topology. They keep the value that the configuration service holds, and what a node reads
/// of it, small.
extension Limits {
    /// The nodes of a cluster, those that are joining or leaving included.
    package static let nodes = 1_024
    /// The longest name of a zone in bytes: it is part of the record of each of its nodes.
    package static let zoneNameBytes = 64
    /// The most replicas a partition may have. A view has up to twice as many members while it changes.
    package static let replicas: UInt8 = 15
    /// How many partitions change their members at the same time, unless chosen otherwise: each one under way is a copy
    /// of a partition that is being sent, beside the work of the clients.
    package static let partitionTransitions: UInt16 = 4
    /// The incarnations of a partition that are closed or closing. Each leaves a few bytes in every view for good; an
    /// operator whose disks fail ten times a day gets there after 18 years.
    package static let retiredActors = 65_536
    /// The events beyond the gap that one report about a closing actor may list. A replica that has more of them waits
    /// until its gaps have been filled from the other members.
    package static let closingReportEvents = 4_096
}
