// Brokers tell the controller of some things by sequential nodes in a folder of the tree, whoever the controller is. It
// reads what is there, does what follows from all of it, and then removes what it has read.
import { allOf, attempt, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import type { ControllerTerm } from './controller-term.ts';
import { JsonNode } from './json-node.ts';

/**
 * @param names of the nodes in the folder; such as are gone by now are passed over
 * @param decode throws NodeFormatError where a node is no notice: then it is reported, and removed like one
 * @param act does what follows. Where it fails the notices stay, for the next term
 */
export function takeNotices<Notice>(
  term: ControllerTerm,
  folder: string,
  names: readonly string[],
  decode: (node: JsonNode) => Notice,
  act: (notices: readonly Notice[], next: Ended) => void,
  done: Ended,
): void {
  if (names.length === 0) return done(null);
  const { coordination, log } = term.parts;
  const notices: Notice[] = [];
  const pathOf = (name: string) => `${folder}/${name}`;
  const read = (name: string, next: Ended) =>
    coordination.read(pathOf(name), null, (error, contents) => {
      if (error !== null) return next(isOneOf(error, 'NONODE') ? null : error);
      const [fault, notice] = attempt(() => decode(new JsonNode(pathOf(name), contents.data)));
      if (fault === null) notices.push(notice);
      else log.error('a notice to the controller cannot be read', { error: fault });
      next(null);
    });
  inOrder(
    [
      (next) => allOf(names, read, next),
      (next) => act(notices, next),
      (next) => allOf(names, (name, removed) => term.tree.replaceRequest(pathOf(name), null, removed), next),
    ],
    done,
  );
}
