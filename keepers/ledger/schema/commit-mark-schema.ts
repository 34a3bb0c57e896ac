/**
 * Step 8, PostgreSQL alone: each writer's number of its latest transaction, changed by that very transaction. Where the
 * answer to a COMMIT was lost, it tells what became of it. (Transaction ids can't: after a crash they are given again.)
 */
export const commitMarkSchema = `
CREATE TABLE commit_marks (
    writer TEXT PRIMARY KEY,
    mark INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
`;
