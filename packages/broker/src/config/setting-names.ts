/** `log.segment.bytes` as the property `logSegmentBytes`. */
export type PropertyName<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<PropertyName<Tail>>}`
  : Name;

export function propertyName<Name extends string>(name: Name): PropertyName<Name> {
  return name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase()) as PropertyName<Name>;
}
