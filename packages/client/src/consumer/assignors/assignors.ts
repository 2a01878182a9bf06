import { ClientError } from '../../errors.ts';
import type { Assignor } from './assignor.ts';
import { cooperativeStickyAssignor } from './cooperative-sticky-assignor.ts';
import { rangeAssignor } from './range-assignor.ts';
import { roundRobinAssignor } from './round-robin-assignor.ts';
import { stickyAssignor } from './sticky-assignor.ts';

export const ASSIGNOR_NAMES = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const;
export type AssignorName = (typeof ASSIGNOR_NAMES)[number];

const ASSIGNORS: Readonly<Record<AssignorName, Assignor>> = {
  range: rangeAssignor,
  roundrobin: roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
};

/** @throws ClientError BAD_OPTION for an unknown name, none at all, or two of one name */
export function assignorsOf(given: readonly (AssignorName | Assignor)[]): readonly Assignor[] {
  const assignors = given.map((each) => (typeof each === 'string' ? byName(each) : each));
  const names = new Set(assignors.map(({ name }) => name));
  if (assignors.length > 0 && names.size === assignors.length) return assignors;
  throw new ClientError(
    'BAD_OPTION',
    `assignors are [${assignors.map(({ name }) => name).join(', ')}], expected is one or more, each once`,
  );
}

function byName(name: AssignorName): Assignor {
  if (Object.hasOwn(ASSIGNORS, name)) return ASSIGNORS[name];
  throw new ClientError('BAD_OPTION', `assignor is "${name}", allowed are ${ASSIGNOR_NAMES.join(', ')}`);
}
