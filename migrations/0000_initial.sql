CREATE TABLE `api_keys` (
	`study_id` text NOT NULL,
	`hash` text NOT NULL,
	`id` text NOT NULL,
	`role` text NOT NULL,
	`participant_id` text,
	`member_id` text,
	`label` text NOT NULL,
	`hint` text,
	`public_key` text,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer,
	PRIMARY KEY(`study_id`, `hash`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_id` ON `api_keys` (`study_id`,`id`);--> statement-breakpoint
CREATE INDEX `api_keys_participant` ON `api_keys` (`study_id`,`participant_id`) WHERE participant_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `download_tokens` (
	`study_id` text NOT NULL,
	`hash` text NOT NULL,
	`id` text NOT NULL,
	`file_id` text NOT NULL,
	`version_id` text NOT NULL,
	`delivery` text NOT NULL,
	`confirm` integer NOT NULL,
	`issued_by` text NOT NULL,
	`key_id` text,
	`member_id` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`claimed_at` integer,
	`claimed_by` text,
	`revoked_at` integer,
	PRIMARY KEY(`study_id`, `hash`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `download_tokens_file` ON `download_tokens` (`study_id`,`file_id`,`id`);--> statement-breakpoint
CREATE INDEX `download_tokens_expires` ON `download_tokens` (`expires_at`);--> statement-breakpoint
CREATE TABLE `files` (
	`study_id` text NOT NULL,
	`id` text NOT NULL,
	`owner` text NOT NULL,
	`handle` text NOT NULL,
	`number` integer NOT NULL,
	`name` text NOT NULL,
	`category` text,
	`source` text,
	`title` text,
	`description` text,
	`tags` text DEFAULT '[]' NOT NULL,
	`metadata` text,
	`visibility` text NOT NULL,
	`revision` integer DEFAULT 1 NOT NULL,
	`created_by` text NOT NULL,
	`version_id` text,
	`version_number` integer,
	`version_name` text,
	`media_type` text,
	`size` integer,
	`md5` text,
	`sha256` text,
	`verified` text,
	`etag` text,
	`object_key` text,
	`version_created_at` integer,
	`completed_at` integer,
	`listed_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `id`)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `files_handle` ON `files` (`study_id`,`owner`,`handle`);--> statement-breakpoint
CREATE UNIQUE INDEX `files_number` ON `files` (`study_id`,`number`);--> statement-breakpoint
CREATE INDEX `files_pending` ON `files` (`study_id`,`created_at`,`id`) WHERE listed_at IS NULL;--> statement-breakpoint
CREATE INDEX `files_pending_owner` ON `files` (`study_id`,`owner`,`created_at`,`id`) WHERE listed_at IS NULL;--> statement-breakpoint
CREATE TABLE `members` (
	`study_id` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`id` text NOT NULL,
	`role` text NOT NULL,
	`participant_id` text,
	`email` text,
	`phone` text,
	`first_name` text,
	`last_name` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `issuer`, `subject`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `members_id` ON `members` (`study_id`,`id`);--> statement-breakpoint
CREATE TABLE `object_deletions` (
	`study_id` text NOT NULL,
	`object_key` text NOT NULL,
	`multipart_id` text,
	`owner` text NOT NULL,
	`due_at` integer NOT NULL,
	`url_expires_at` integer NOT NULL,
	`until` integer NOT NULL,
	PRIMARY KEY(`study_id`, `object_key`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `object_deletions_due` ON `object_deletions` (`due_at`);--> statement-breakpoint
CREATE INDEX `object_deletions_owner` ON `object_deletions` (`study_id`,`owner`);--> statement-breakpoint
CREATE TABLE `participants` (
	`study_id` text NOT NULL,
	`id` text NOT NULL,
	`number` integer NOT NULL,
	`external_id` text,
	`email` text,
	`phone` text,
	`first_name` text,
	`last_name` text,
	`labels` text DEFAULT '[]' NOT NULL,
	`status` text DEFAULT 'active' NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `participants_number` ON `participants` (`study_id`,`number`);--> statement-breakpoint
CREATE UNIQUE INDEX `participants_external_id` ON `participants` (`study_id`,`external_id`) WHERE external_id IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `participants_email` ON `participants` (`study_id`,`email`) WHERE email IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `participants_phone` ON `participants` (`study_id`,`phone`) WHERE phone IS NOT NULL;--> statement-breakpoint
CREATE TABLE `shelf` (
	`study_id` text NOT NULL,
	`scope` text NOT NULL,
	`term` text NOT NULL,
	`listed_at` integer NOT NULL,
	`file_id` text NOT NULL,
	PRIMARY KEY(`study_id`, `scope`, `term`, `listed_at`, `file_id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `studies` (
	`id` text PRIMARY KEY NOT NULL,
	`number` integer NOT NULL,
	`name` text NOT NULL,
	`next_number` integer DEFAULT 1 NOT NULL,
	`allow_public` integer DEFAULT 0 NOT NULL,
	`default_visibility` text,
	`retention` text DEFAULT 'keep' NOT NULL,
	`download_url_seconds` integer,
	`download_token_seconds` integer,
	`created_at` integer NOT NULL,
	CONSTRAINT "studies_number_16_bits" CHECK("studies"."number" BETWEEN 1 AND 65535),
	CONSTRAINT "studies_numbers_24_bits" CHECK("studies"."next_number" BETWEEN 1 AND 16777216)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `studies_number_unique` ON `studies` (`number`);--> statement-breakpoint
CREATE TABLE `upload_parts` (
	`study_id` text NOT NULL,
	`upload_id` text NOT NULL,
	`number` integer NOT NULL,
	`etag` text NOT NULL,
	PRIMARY KEY(`study_id`, `upload_id`, `number`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `uploads` (
	`study_id` text NOT NULL,
	`id` text NOT NULL,
	`file_id` text NOT NULL,
	`owner` text NOT NULL,
	`number` integer NOT NULL,
	`attempt` integer DEFAULT 1 NOT NULL,
	`object_key` text NOT NULL,
	`kind` text NOT NULL,
	`multipart_id` text,
	`part_bytes` integer,
	`part_count` integer,
	`name` text NOT NULL,
	`media_type` text NOT NULL,
	`size` integer NOT NULL,
	`md5` text,
	`sha256` text,
	`changes` text DEFAULT '{}' NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`url_expires_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`due_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `uploads_file` ON `uploads` (`study_id`,`file_id`,`id`);--> statement-breakpoint
CREATE INDEX `uploads_owner` ON `uploads` (`study_id`,`owner`,`id`);--> statement-breakpoint
CREATE INDEX `uploads_due` ON `uploads` (`due_at`);--> statement-breakpoint
CREATE TABLE `versions` (
	`study_id` text NOT NULL,
	`id` text NOT NULL,
	`file_id` text NOT NULL,
	`number` integer NOT NULL,
	`object_key` text NOT NULL,
	`name` text NOT NULL,
	`media_type` text NOT NULL,
	`size` integer NOT NULL,
	`md5` text,
	`sha256` text,
	`verified` text NOT NULL,
	`etag` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`completed_at` integer NOT NULL,
	`url_expires_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `versions_file` ON `versions` (`study_id`,`file_id`,`number`);--> statement-breakpoint
CREATE UNIQUE INDEX `versions_number` ON `versions` (`study_id`,`number`);--> statement-breakpoint
-- What the shelf must hold: each listed file under each scope that may find it and each term that it has.
CREATE VIEW shelf_truth AS
SELECT f.study_id, scopes.value AS scope, terms.value AS term, f.listed_at, f.id AS file_id
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
WHERE f.listed_at IS NOT NULL AND scopes.value IS NOT NULL;
--> statement-breakpoint
-- Before a listed file changes, the shelf loses what it holds of it as it was; after it, it gains what is true then.
-- The view says the same, but to read it costs a row for each that it makes; these read the file's tags only.
CREATE TRIGGER files_unshelve BEFORE UPDATE OF owner, name, category, source, tags, visibility, listed_at ON files
WHEN OLD.listed_at IS NOT NULL AND (
	OLD.owner IS NOT NEW.owner OR OLD.name IS NOT NEW.name OR OLD.category IS NOT NEW.category
	OR OLD.source IS NOT NEW.source OR OLD.tags IS NOT NEW.tags OR OLD.visibility IS NOT NEW.visibility
	OR OLD.listed_at IS NOT NEW.listed_at
)
BEGIN
	DELETE FROM shelf WHERE study_id = OLD.study_id
		AND scope IN ('*', '+', 'own:' || OLD.owner, '+own:' || OLD.owner)
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
END;
--> statement-breakpoint
CREATE TRIGGER files_removed BEFORE DELETE ON files WHEN OLD.listed_at IS NOT NULL
BEGIN
	DELETE FROM shelf WHERE study_id = OLD.study_id
		AND scope IN ('*', '+', 'own:' || OLD.owner, '+own:' || OLD.owner)
		AND term IN (
			SELECT '' AS term
			UNION ALL SELECT 'c:' || OLD.category WHERE OLD.category IS NOT NULL
			UNION ALL SELECT 's:' || OLD.source WHERE OLD.source IS NOT NULL
			UNION ALL SELECT 'n:' || OLD.name
			UNION ALL SELECT DISTINCT 't:' || tags.value FROM json_each(OLD.tags) tags
		)
		AND listed_at = OLD.listed_at AND file_id = OLD.id;
END;
