import { CoordinationError, type Coordination } from '../../src/ports/coordination.ts';

/** A session that loses its connection in one of its writes: before it happened, or after. */
export function forgetfulSession(
  session: Coordination,
  loss: { readonly write: number; readonly happened: boolean },
): Coordination & { readonly writes: number } {
  let writes = 0;
  return {
    get writes() {
      return writes;
    },
    sessionId: session.sessionId,
    write: (operations, done) => {
      const isLost = writes === loss.write;
      writes += 1;
      if (!isLost) return session.write(operations, done);
      const lose = () => done(new CoordinationError('CONNECTIONLOSS', operations[0]!.path), []);
      // A read in its place, so that the answer comes in its turn.
      if (loss.happened) session.write(operations, lose);
      else session.stat('/', null, lose);
    },
    read: (path, watch, done) => session.read(path, watch, done),
    stat: (path, watch, done) => session.stat(path, watch, done),
    children: (path, watch, done) => session.children(path, watch, done),
    onSession: (listener) => session.onSession(listener),
    close: (done) => session.close(done),
  };
}
