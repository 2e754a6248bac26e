import { EMPTY_FILTER, type Filter } from '../../../envelope/filter.ts';
import { decodeFilter } from '../../choria/wire/filter.ts';
import type { FilterParams } from './messages.ts';

/** @throws Rejection `unsupported_filter` */
export const filterOf = (filter: FilterParams | undefined): Filter =>
  filter === undefined
    ? EMPTY_FILTER
    : decodeFilter({ ...filter, compound: filter.compound.map((expr) => [{ expr }]) });
