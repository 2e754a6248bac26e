/** The two ends of a route and their name. One object for each pair, so that it can be compared. */
export interface RouteId {
  readonly from: string;
  readonly to: string;
  /** `<from> → <to>`, as the log and the metrics name it. */
  readonly name: string;
}
