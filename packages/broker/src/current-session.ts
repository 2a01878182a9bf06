import type {
  Coordination,
  Done,
  NodeContents,
  SessionState,
  Stat,
  Watch,
  WriteDone,
  WriteOperation,
} from '@odradek/core/ports/coordination.ts';

/**
 * The coordination tree through whichever session the broker has now, for those who ask and write and do not care in
 * which session. Watches end with the session in which they were set, and nobody is told: who needs one sets it again
 * when the session is replaced. Who holds ephemeral nodes, or must never act twice, holds on to one session instead.
 */
export class CurrentSession implements Coordination {
  private session: Coordination;

  constructor(session: Coordination) {
    this.session = session;
  }

  /** Calls made before belong to the session that was. */
  replace(session: Coordination): void {
    this.session = session;
  }

  get sessionId(): string {
    return this.session.sessionId;
  }

  write(operations: readonly WriteOperation[], done: WriteDone): void {
    this.session.write(operations, done);
  }

  read(path: string, watch: Watch | null, done: Done<NodeContents>): void {
    this.session.read(path, watch, done);
  }

  stat(path: string, watch: Watch | null, done: Done<Stat | null>): void {
    this.session.stat(path, watch, done);
  }

  children(path: string, watch: Watch | null, done: Done<readonly string[]>): void {
    this.session.children(path, watch, done);
  }

  /** Of the session that there is now. */
  onSession(listener: (state: SessionState) => void): () => void {
    return this.session.onSession(listener);
  }

  close(done: () => void): void {
    this.session.close(done);
  }
}
