import type { Stats } from '../../src/bridge/stats.ts';
import type { DocumentSources } from '../../src/stats/document.ts';
import type { MeteredLink } from '../../src/stats/meter.ts';

export declare const sourcesOf: (instance: string, link: MeteredLink, stats: Stats) => DocumentSources;
