CREATE TABLE `audit_events` (
	`study_id` text NOT NULL,
	`id` text NOT NULL,
	`at` integer NOT NULL,
	`door` text NOT NULL,
	`action` text NOT NULL,
	`outcome` text NOT NULL,
	`actor` text NOT NULL,
	`through` text,
	`subject` text,
	`object` text,
	PRIMARY KEY(`study_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `audit_events_subject` ON `audit_events` (`study_id`,`subject`,`id`) WHERE subject IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_events_actor` ON `audit_events` (`study_id`,`actor`,`id`);--> statement-breakpoint
CREATE INDEX `audit_events_action` ON `audit_events` (`study_id`,`action`,`id`);--> statement-breakpoint
CREATE TABLE `erasures` (
	`study_id` text NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`participant_id` text,
	`audit_id` text NOT NULL,
	`state` text NOT NULL,
	`counts` text DEFAULT '{}' NOT NULL,
	`requested_at` integer NOT NULL,
	`due_at` integer,
	`done_at` integer,
	PRIMARY KEY(`study_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `erasures_participant` ON `erasures` (`study_id`,`participant_id`) WHERE participant_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `erasures_due` ON `erasures` (`due_at`) WHERE due_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `grants` (
	`study_id` text NOT NULL,
	`file_id` text NOT NULL,
	`principal` text NOT NULL,
	`level` text NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `file_id`, `principal`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `grants_principal` ON `grants` (`study_id`,`principal`,`expires_at`);--> statement-breakpoint
CREATE INDEX `grants_expires` ON `grants` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`study_id` text NOT NULL,
	`actor` text NOT NULL,
	`key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`ids` text NOT NULL,
	`owner` text NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `actor`, `key`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `idempotency_keys_owner` ON `idempotency_keys` (`study_id`,`owner`);--> statement-breakpoint
CREATE INDEX `idempotency_keys_expires` ON `idempotency_keys` (`expires_at`);--> statement-breakpoint
ALTER TABLE `download_tokens` ADD `object_key` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `download_tokens` ADD `owner` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `download_tokens` ADD `subject` text;--> statement-breakpoint
CREATE INDEX `download_tokens_owner` ON `download_tokens` (`study_id`,`owner`);--> statement-breakpoint
CREATE INDEX `members_participant` ON `members` (`study_id`,`participant_id`) WHERE participant_id IS NOT NULL;--> statement-breakpoint
ALTER TABLE `files` ADD `name_words` text;--> statement-breakpoint
ALTER TABLE `files` ADD `title_words` text;--> statement-breakpoint
ALTER TABLE `files` ADD `description_words` text;--> statement-breakpoint
ALTER TABLE `shelf` ADD `until` integer;--> statement-breakpoint
ALTER TABLE `participants` ADD `audit_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `participants_audit_id` ON `participants` (`study_id`,`audit_id`);--> statement-breakpoint
ALTER TABLE `studies` ADD `status` text DEFAULT 'active' NOT NULL;--> statement-breakpoint
ALTER TABLE `studies` ADD `bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `studies` ADD `files` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `studies` ADD `documents` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `studies` ADD `max_bytes` integer CONSTRAINT "studies_bytes_limited" CHECK("studies"."bytes" <= "studies"."max_bytes");--> statement-breakpoint
ALTER TABLE `studies` ADD `max_files` integer CONSTRAINT "studies_files_limited" CHECK("studies"."files" <= "studies"."max_files");--> statement-breakpoint
ALTER TABLE `studies` ADD `max_documents` integer CONSTRAINT "studies_documents_limited" CHECK("studies"."documents" <= "studies"."max_documents");
--> statement-breakpoint
-- Everyone who was enrolled before gets a pseudonym of their own.
UPDATE participants SET audit_id = 'ptc_' || lower(hex(randomblob(16)));
--> statement-breakpoint
UPDATE download_tokens SET
	object_key = coalesce((SELECT v.object_key FROM versions v
		WHERE v.study_id = download_tokens.study_id AND v.id = download_tokens.version_id), ''),
	owner = coalesce((SELECT f.owner FROM files f
		WHERE f.study_id = download_tokens.study_id AND f.id = download_tokens.file_id), '');
--> statement-breakpoint
UPDATE studies SET
	files = (SELECT count(*) FROM files f WHERE f.study_id = studies.id),
	documents = (SELECT count(*) FROM documents d WHERE d.study_id = studies.id),
	bytes = (SELECT coalesce(sum(v.size), 0) FROM versions v WHERE v.study_id = studies.id)
		+ (SELECT coalesce(sum(u.size), 0) FROM uploads u WHERE u.study_id = studies.id);
--> statement-breakpoint
-- What a study holds goes down with what is deleted, wherever that is; it goes up in the batch that begins an upload,
-- with the bytes that this declares (a trigger would make every begin read more than it may). An upload goes on counting
-- as the version that it becomes: the batch that completes it makes the version before it removes the upload.
CREATE TRIGGER uploads_uncounted AFTER DELETE ON uploads
WHEN NOT EXISTS (SELECT 1 FROM versions v WHERE v.study_id = OLD.study_id AND v.id = 'ver_' || substr(OLD.id, 5))
BEGIN
	UPDATE studies SET bytes = bytes - OLD.size WHERE id = OLD.study_id;
END;
--> statement-breakpoint
CREATE TRIGGER versions_uncounted AFTER DELETE ON versions
BEGIN
	UPDATE studies SET bytes = bytes - OLD.size WHERE id = OLD.study_id;
END;
--> statement-breakpoint
CREATE TRIGGER files_uncounted AFTER DELETE ON files
BEGIN
	UPDATE studies SET files = files - 1 WHERE id = OLD.study_id;
END;
--> statement-breakpoint
CREATE TRIGGER documents_counted AFTER INSERT ON documents
BEGIN
	UPDATE studies SET documents = documents + 1 WHERE id = NEW.study_id;
END;
--> statement-breakpoint
CREATE TRIGGER documents_uncounted AFTER DELETE ON documents
BEGIN
	UPDATE studies SET documents = documents - 1 WHERE id = OLD.study_id;
END;
--> statement-breakpoint
DROP VIEW shelf_truth;
--> statement-breakpoint
-- What the shelf must hold: each listed file under each scope that may find it and each term that it has. The team finds
-- what is not private under `+`, and what is under `to:`, so that nobody has a file twice.
CREATE VIEW shelf_truth AS
SELECT f.study_id, scopes.value AS scope, terms.value AS term, f.listed_at, f.id AS file_id, NULL AS until
FROM files f
CROSS JOIN json_each(json_array(
	'*',
	CASE WHEN f.owner <> '' THEN 'own:' || f.owner END,
	CASE WHEN f.visibility <> 'private' THEN '+' END,
	CASE WHEN f.visibility <> 'private' AND f.owner <> '' THEN '+own:' || f.owner END
)) scopes
CROSS JOIN json_each((SELECT json_group_array(term) FROM (
	SELECT '' AS term
	UNION ALL SELECT 'c:' || f.category WHERE f.category IS NOT NULL
	UNION ALL SELECT 's:' || f.source WHERE f.source IS NOT NULL
	UNION ALL SELECT 'n:' || f.name
	UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(f.tags) tags
))) terms
WHERE f.listed_at IS NOT NULL AND scopes.value IS NOT NULL
UNION ALL
SELECT f.study_id, 'to:' || g.principal, terms.value, f.listed_at, f.id, g.expires_at
FROM files f CROSS JOIN grants g ON g.study_id = f.study_id AND g.file_id = f.id
CROSS JOIN json_each((SELECT json_group_array(term) FROM (
	SELECT '' AS term
	UNION ALL SELECT 'c:' || f.category WHERE f.category IS NOT NULL
	UNION ALL SELECT 's:' || f.source WHERE f.source IS NOT NULL
	UNION ALL SELECT 'n:' || f.name
	UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(f.tags) tags
))) terms
WHERE f.listed_at IS NOT NULL AND (f.visibility = 'private' OR g.principal NOT GLOB 'member:*');
--> statement-breakpoint
DROP TRIGGER files_unshelve;
--> statement-breakpoint
-- Before a listed file changes, the shelf loses what it holds of it as it was; after it, it gains what is true then.
-- The view says the same, but to read it costs a row for each that it makes; these read the file's tags and grants only.
CREATE TRIGGER files_unshelve BEFORE UPDATE OF owner, name, category, source, tags, visibility, listed_at ON files
WHEN OLD.listed_at IS NOT NULL AND (
	OLD.owner IS NOT NEW.owner OR OLD.name IS NOT NEW.name OR OLD.category IS NOT NEW.category
	OR OLD.source IS NOT NEW.source OR OLD.tags IS NOT NEW.tags OR OLD.visibility IS NOT NEW.visibility
	OR OLD.listed_at IS NOT NEW.listed_at
)
BEGIN
	DELETE FROM shelf WHERE study_id = OLD.study_id
		AND scope IN (
			SELECT '*' UNION ALL SELECT '+' UNION ALL SELECT 'own:' || OLD.owner UNION ALL SELECT '+own:' || OLD.owner
			UNION ALL SELECT 'to:' || g.principal FROM grants g WHERE g.study_id = OLD.study_id AND g.file_id = OLD.id
		)
		AND term IN (
			SELECT '' AS term
			UNION ALL SELECT 'c:' || OLD.category WHERE OLD.category IS NOT NULL
			UNION ALL SELECT 's:' || OLD.source WHERE OLD.source IS NOT NULL
			UNION ALL SELECT 'n:' || OLD.name
			UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(OLD.tags) tags
		)
		AND listed_at = OLD.listed_at AND file_id = OLD.id;
END;
--> statement-breakpoint
DROP TRIGGER files_shelve;
--> statement-breakpoint
CREATE TRIGGER files_shelve AFTER UPDATE OF owner, name, category, source, tags, visibility, listed_at ON files
WHEN NEW.listed_at IS NOT NULL AND (
	OLD.owner IS NOT NEW.owner OR OLD.name IS NOT NEW.name OR OLD.category IS NOT NEW.category
	OR OLD.source IS NOT NEW.source OR OLD.tags IS NOT NEW.tags OR OLD.visibility IS NOT NEW.visibility
	OR OLD.listed_at IS NOT NEW.listed_at
)
BEGIN
	INSERT INTO shelf (study_id, scope, term, listed_at, file_id)
	SELECT NEW.study_id, '*', term, NEW.listed_at, NEW.id FROM (
		SELECT '' AS term
		UNION ALL SELECT 'c:' || NEW.category WHERE NEW.category IS NOT NULL
		UNION ALL SELECT 's:' || NEW.source WHERE NEW.source IS NOT NULL
		UNION ALL SELECT 'n:' || NEW.name
		UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(NEW.tags) tags
	);
	INSERT INTO shelf (study_id, scope, term, listed_at, file_id)
	SELECT NEW.study_id, 'own:' || NEW.owner, term, NEW.listed_at, NEW.id FROM (
		SELECT '' AS term
		UNION ALL SELECT 'c:' || NEW.category WHERE NEW.category IS NOT NULL
		UNION ALL SELECT 's:' || NEW.source WHERE NEW.source IS NOT NULL
		UNION ALL SELECT 'n:' || NEW.name
		UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(NEW.tags) tags
	) WHERE NEW.owner <> '';
	INSERT INTO shelf (study_id, scope, term, listed_at, file_id)
	SELECT NEW.study_id, '+', term, NEW.listed_at, NEW.id FROM (
		SELECT '' AS term
		UNION ALL SELECT 'c:' || NEW.category WHERE NEW.category IS NOT NULL
		UNION ALL SELECT 's:' || NEW.source WHERE NEW.source IS NOT NULL
		UNION ALL SELECT 'n:' || NEW.name
		UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(NEW.tags) tags
	) WHERE NEW.visibility <> 'private';
	INSERT INTO shelf (study_id, scope, term, listed_at, file_id)
	SELECT NEW.study_id, '+own:' || NEW.owner, term, NEW.listed_at, NEW.id FROM (
		SELECT '' AS term
		UNION ALL SELECT 'c:' || NEW.category WHERE NEW.category IS NOT NULL
		UNION ALL SELECT 's:' || NEW.source WHERE NEW.source IS NOT NULL
		UNION ALL SELECT 'n:' || NEW.name
		UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(NEW.tags) tags
	) WHERE NEW.visibility <> 'private' AND NEW.owner <> '';
	INSERT INTO shelf (study_id, scope, term, listed_at, file_id, until)
	SELECT NEW.study_id, 'to:' || g.principal, term, NEW.listed_at, NEW.id, g.expires_at FROM grants g CROSS JOIN (
		SELECT '' AS term
		UNION ALL SELECT 'c:' || NEW.category WHERE NEW.category IS NOT NULL
		UNION ALL SELECT 's:' || NEW.source WHERE NEW.source IS NOT NULL
		UNION ALL SELECT 'n:' || NEW.name
		UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(NEW.tags) tags
	) WHERE g.study_id = NEW.study_id AND g.file_id = NEW.id
		AND (NEW.visibility = 'private' OR g.principal NOT GLOB 'member:*');
END;
--> statement-breakpoint
DROP TRIGGER files_removed;
--> statement-breakpoint
CREATE TRIGGER files_removed BEFORE DELETE ON files WHEN OLD.listed_at IS NOT NULL
BEGIN
	DELETE FROM shelf WHERE study_id = OLD.study_id
		AND scope IN (
			SELECT '*' UNION ALL SELECT '+' UNION ALL SELECT 'own:' || OLD.owner UNION ALL SELECT '+own:' || OLD.owner
			UNION ALL SELECT 'to:' || g.principal FROM grants g WHERE g.study_id = OLD.study_id AND g.file_id = OLD.id
		)
		AND term IN (
			SELECT '' AS term
			UNION ALL SELECT 'c:' || OLD.category WHERE OLD.category IS NOT NULL
			UNION ALL SELECT 's:' || OLD.source WHERE OLD.source IS NOT NULL
			UNION ALL SELECT 'n:' || OLD.name
			UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(OLD.tags) tags
		)
		AND listed_at = OLD.listed_at AND file_id = OLD.id;
END;
--> statement-breakpoint
CREATE TRIGGER grants_shelve AFTER INSERT ON grants
BEGIN
	INSERT INTO shelf (study_id, scope, term, listed_at, file_id, until)
	SELECT f.study_id, 'to:' || NEW.principal, terms.value, f.listed_at, f.id, NEW.expires_at
	FROM files f CROSS JOIN json_each((SELECT json_group_array(term) FROM (
		SELECT '' AS term
		UNION ALL SELECT 'c:' || f.category WHERE f.category IS NOT NULL
		UNION ALL SELECT 's:' || f.source WHERE f.source IS NOT NULL
		UNION ALL SELECT 'n:' || f.name
		UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(f.tags) tags
	))) terms
	WHERE f.study_id = NEW.study_id AND f.id = NEW.file_id AND f.listed_at IS NOT NULL
		AND (f.visibility = 'private' OR NEW.principal NOT GLOB 'member:*');
END;
--> statement-breakpoint
CREATE TRIGGER grants_reshelve AFTER UPDATE OF expires_at ON grants WHEN OLD.expires_at IS NOT NEW.expires_at
BEGIN
	UPDATE shelf SET until = NEW.expires_at WHERE study_id = NEW.study_id AND scope = 'to:' || NEW.principal
		AND (term, listed_at, file_id) IN (
			SELECT terms.value, f.listed_at, f.id FROM files f CROSS JOIN json_each((SELECT json_group_array(term) FROM (
			SELECT '' AS term
			UNION ALL SELECT 'c:' || f.category WHERE f.category IS NOT NULL
			UNION ALL SELECT 's:' || f.source WHERE f.source IS NOT NULL
			UNION ALL SELECT 'n:' || f.name
			UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(f.tags) tags
			))) terms
			WHERE f.study_id = NEW.study_id AND f.id = NEW.file_id AND f.listed_at IS NOT NULL
		);
END;
--> statement-breakpoint
CREATE TRIGGER grants_unshelve AFTER DELETE ON grants
BEGIN
	DELETE FROM shelf WHERE study_id = OLD.study_id AND scope = 'to:' || OLD.principal
		AND (term, listed_at, file_id) IN (
			SELECT terms.value, f.listed_at, f.id FROM files f CROSS JOIN json_each((SELECT json_group_array(term) FROM (
			SELECT '' AS term
			UNION ALL SELECT 'c:' || f.category WHERE f.category IS NOT NULL
			UNION ALL SELECT 's:' || f.source WHERE f.source IS NOT NULL
			UNION ALL SELECT 'n:' || f.name
			UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(f.tags) tags
			))) terms
			WHERE f.study_id = OLD.study_id AND f.id = OLD.file_id AND f.listed_at IS NOT NULL
		);
END;
--> statement-breakpoint
-- Words to search for, under the file's number. `who` holds a token for everyone who may find it: `s<study>` all of a
-- study, `…p` what is not private, `…o<owner>` an owner's, `…t<principal>` what was shared with somebody. Marks are part
-- of words, as vowels are in Hindi, and symbols are words; what stands for itself comes with spaces around it (words.ts).
CREATE VIRTUAL TABLE files_fts USING fts5(who, name, title, description, prefix='2 3',
	tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co So'");
--> statement-breakpoint
-- What is deleted is overwritten in the index, not only marked as gone.
INSERT INTO files_fts (files_fts, rank) VALUES ('secure-delete', 1);
--> statement-breakpoint
CREATE VIEW files_who AS
SELECT f.study_id, f.id, f.number, 's' || (f.number >> 24)
	|| CASE WHEN f.visibility <> 'private' THEN ' s' || (f.number >> 24) || 'p' ELSE '' END
	|| CASE WHEN f.owner <> '' THEN ' s' || (f.number >> 24) || 'o' || hex(f.owner) ELSE '' END
	|| coalesce((SELECT group_concat(' s' || (f.number >> 24) || 't' || hex(g.principal), '') FROM grants g
		WHERE g.study_id = f.study_id AND g.file_id = f.id), '') AS who
FROM files f;
--> statement-breakpoint
INSERT INTO files_fts (rowid, who, name, title, description)
SELECT f.number, w.who, f.name, f.title, f.description FROM files f JOIN files_who w ON w.study_id = f.study_id AND w.id = f.id;
--> statement-breakpoint
CREATE TRIGGER files_indexed AFTER INSERT ON files
BEGIN
	INSERT INTO files_fts (rowid, who, name, title, description)
	VALUES (NEW.number, 's' || (NEW.number >> 24)
		|| CASE WHEN NEW.visibility <> 'private' THEN ' s' || (NEW.number >> 24) || 'p' ELSE '' END
		|| CASE WHEN NEW.owner <> '' THEN ' s' || (NEW.number >> 24) || 'o' || hex(NEW.owner) ELSE '' END,
		coalesce(NEW.name_words, NEW.name), coalesce(NEW.title_words, NEW.title), coalesce(NEW.description_words, NEW.description));
END;
--> statement-breakpoint
CREATE TRIGGER files_reindexed
AFTER UPDATE OF name, title, description, name_words, title_words, description_words ON files
WHEN OLD.name IS NOT NEW.name OR OLD.title IS NOT NEW.title OR OLD.description IS NOT NEW.description
	OR OLD.name_words IS NOT NEW.name_words OR OLD.title_words IS NOT NEW.title_words
	OR OLD.description_words IS NOT NEW.description_words
BEGIN
	UPDATE files_fts SET (name, title, description) = (coalesce(NEW.name_words, NEW.name), coalesce(NEW.title_words, NEW.title), coalesce(NEW.description_words, NEW.description))
	WHERE rowid = NEW.number;
END;
--> statement-breakpoint
CREATE TRIGGER files_who_changed AFTER UPDATE OF owner, visibility ON files
WHEN OLD.owner IS NOT NEW.owner OR OLD.visibility IS NOT NEW.visibility
BEGIN
	UPDATE files_fts SET who = (SELECT w.who FROM files_who w WHERE w.study_id = NEW.study_id AND w.id = NEW.id)
	WHERE rowid = NEW.number;
END;
--> statement-breakpoint
CREATE TRIGGER grants_indexed AFTER INSERT ON grants
BEGIN
	UPDATE files_fts SET who = (SELECT w.who FROM files_who w WHERE w.study_id = NEW.study_id AND w.id = NEW.file_id)
	WHERE rowid = (SELECT f.number FROM files f WHERE f.study_id = NEW.study_id AND f.id = NEW.file_id);
END;
--> statement-breakpoint
CREATE TRIGGER grants_unindexed AFTER DELETE ON grants
BEGIN
	UPDATE files_fts SET who = (SELECT w.who FROM files_who w WHERE w.study_id = OLD.study_id AND w.id = OLD.file_id)
	WHERE rowid = (SELECT f.number FROM files f WHERE f.study_id = OLD.study_id AND f.id = OLD.file_id);
END;
--> statement-breakpoint
-- A file takes its grants and its words with it.
CREATE TRIGGER files_gone BEFORE DELETE ON files
BEGIN
	DELETE FROM grants WHERE study_id = OLD.study_id AND file_id = OLD.id;
	DELETE FROM files_fts WHERE rowid = OLD.number;
END;
