/** In their order, so many in each group, and the rest in the last one. */
export const inGroups = <T>(items: readonly T[], size: number): (readonly T[])[] => {
  const groups: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  return groups;
};
