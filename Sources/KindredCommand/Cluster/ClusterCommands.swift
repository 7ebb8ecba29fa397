import ArgumentParser

/// `kindred cluster`: what operators do with a cluster.
struct ClusterCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Create a cluster, see how it is, and change its nodes.",
        discussion: """
            Changes of the nodes are staged ('join', 'leave', 'replace', 'reweigh'), looked at together ('plan'), and put \
            into effect together ('commit'). Any node can be asked.

            EXAMPLES
              kindred cluster create --wait 3
              kindred cluster status
              kindred cluster join d && kindred cluster plan
              kindred cluster commit --wait
            """,
        subcommands: [
            ClusterCreate.self, ClusterStatus.self, ClusterMembers.self, ClusterPartitions.self, ClusterClocks.self,
            ClusterJoin.self,
            ClusterLeave.self, ClusterReplace.self, ClusterReweigh.self, ClusterClear.self, ClusterPlan.self,
            ClusterCommit.self, ClusterCancel.self, ClusterTransfers.self, ClusterLost.self,
        ])
}
