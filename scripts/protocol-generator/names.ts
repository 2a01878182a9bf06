/** `ProduceRequest` to `produce-request`. */
export function kebabCase(name: string): string {
  return name
    .replaceAll('KRaft', 'Kraft')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}

/** `ProduceRequest` to `PRODUCE_REQUEST`. */
export function constantCase(name: string): string {
  return kebabCase(name).replaceAll('-', '_').toUpperCase();
}

export function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

export function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

const TAKEN = new Set([
  'version',
  'reader',
  'writer',
  'message',
  'flexible',
  'end',
  'tag',
  'tags',
  'left',
  'count',
  'default',
  'delete',
]);

/** The local variable for a field: its own name unless the generated function uses that one. */
export function localName(fieldName: string): string {
  return TAKEN.has(fieldName) ? `${fieldName}Value` : fieldName;
}
