/** Sealed templates, one object each. */
export interface Templates {
  /** @throws DomainError `unavailable` */
  put(object: string, sealed: Uint8Array): Promise<void>;
  /** Deleting what is not there is fine. */
  delete(object: string): Promise<void>;
}

/** Where a palm's template is kept; `upload` tells one upload of it from the next. */
export const templateObject = (palm: { environment_id: string; id: string }, upload: string): string =>
  `environments/${palm.environment_id}/templates/${palm.id}/${upload}`;
