import type { Command } from 'commander';
import { registerElections } from '../cluster/elect.ts';
import { registerHealth } from '../cluster/describe.ts';
import { registerLogDirectories } from '../cluster/log-directories.ts';
import { registerReassignment } from '../cluster/reassign.ts';
import type { Terminal } from '../terminal.ts';

export function register(program: Command, terminal: Terminal): void {
  const cluster = program
    .command('cluster')
    .description('Shows how a cluster is, moves partitions and leaders, helps with restarts.');
  registerHealth(cluster, terminal);
  registerElections(cluster, terminal);
  registerReassignment(cluster, terminal);
  registerLogDirectories(cluster, terminal);
}
