/**
 * The forms under which an external id may have been stored. Ids are stored and compared in Unicode's NFC; those of
 * members that were created before that rule are kept as they were sent.
 * @returns the id as it is written first, without duplicates: one form for most ids
 */
export const formsOf = (external_id: string): readonly string[] => [
  ...new Set([external_id, external_id.normalize("NFC"), external_id.normalize("NFD")]),
];

/** Whether members created before ids were normalized may have the same id in another form. */
export const hasOtherForms = (external_id: string): boolean => formsOf(external_id).length > 1;
