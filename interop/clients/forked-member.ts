// A member of a consumer group in a process of its own, so that it can be killed: both halves of it.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

type Report = { assigned: number } | { value: string } | { partition: number; committed: number };

/** The driver's half: starts `program` and keeps what it reports. */
export class ForkedMember {
  /** Partitions that the member owns; none once it is killed. */
  assigned = 0;
  readonly values: string[] = [];
  /** By partition: the offset that a commit was acknowledged for. */
  readonly committed = new Map<number, number>();
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  constructor(program: string, bootstrap: string, topic: string, group: string) {
    this.#child = fork(program, [bootstrap, topic, group], { stdio: 'ignore' });
    this.#exit = once(this.#child, 'exit');
    this.#child.on('message', (report: Report) => {
      if ('assigned' in report) this.assigned = report.assigned;
      else if ('value' in report) this.values.push(report.value);
      else this.committed.set(report.partition, report.committed);
    });
  }

  /** kill -9: the broker learns of it by the session's end only. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    this.assigned = 0;
  }
}

/** The program's half: its arguments, and how it reports. */
export function memberArguments(): { bootstrap: string; topic: string; groupId: string } {
  const [bootstrap = '', topic = '', groupId = ''] = process.argv.slice(2);
  return { bootstrap, topic, groupId };
}

export function report(what: Report): void {
  process.send?.(what);
}
