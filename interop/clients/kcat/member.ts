import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A member of a consumer group; its standard error tells what is assigned. */
export class Member {
  assigned = 0;
  readonly lines: string[] = [];
  readonly #child;
  readonly #exit;

  constructor(bootstrap: string, group: string, topics: string[]) {
    const settings = [
      'session.timeout.ms=3000',
      'heartbeat.interval.ms=500',
      'partition.assignment.strategy=roundrobin',
      'auto.offset.reset=earliest',
    ].flatMap((setting) => ['-X', setting]);
    this.#child = spawn('kcat', ['-b', bootstrap, '-u', ...settings, '-G', group, ...topics]);
    this.#exit = once(this.#child, 'exit');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.lines.push(line));
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      const partitions = line.match(/ \[0\]/g)?.length ?? 0;
      if (line.includes('assigned:')) this.assigned = partitions;
      if (line.includes('revoked:')) this.assigned = 0;
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    this.assigned = 0;
  }
}
