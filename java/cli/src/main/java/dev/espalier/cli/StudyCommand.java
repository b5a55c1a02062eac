// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import picocli.CommandLine.Command;

/** Small experiments on one's own data, with intervals. */
@Command(
    abbreviateSynopsis = true,
    name = "study",
    header = "Says whether transfer, or sharing a network, helps on your data.",
    description = "Small paired experiments with intervals, and a verdict in a sentence.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {StudyTransferCommand.class, StudySharingCommand.class})
final class StudyCommand {
  private StudyCommand() {}
}
