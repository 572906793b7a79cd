CREATE TABLE `absences` (
	`study_id` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`until` integer,
	`driver` text
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `host_places` (
	`host` text PRIMARY KEY NOT NULL,
	`study_id` text NOT NULL,
	`claimed_at` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `host_places_study` ON `host_places` (`study_id`);--> statement-breakpoint
CREATE TABLE `move_changes` (
	`study_id` text NOT NULL,
	`seq` integer NOT NULL,
	`name` text NOT NULL,
	`key` text NOT NULL,
	PRIMARY KEY(`study_id`, `seq`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `moves` (
	`study_id` text PRIMARY KEY NOT NULL,
	`driver` text NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `placements` (
	`study_id` text PRIMARY KEY NOT NULL,
	`number` integer NOT NULL,
	`database` integer NOT NULL,
	`state` text DEFAULT 'here' NOT NULL,
	`other` integer,
	`progress` text,
	`updated_at` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `placements_number` ON `placements` (`number`);--> statement-breakpoint
CREATE INDEX `placements_moving` ON `placements` (`state`,`updated_at`);--> statement-breakpoint
CREATE TABLE `spaces` (
	`database` integer PRIMARY KEY NOT NULL,
	`bytes` integer NOT NULL,
	`measured_at` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
-- Studies that are not served here now. A freeze ends by itself, so that who began it may die.
CREATE VIEW absent AS SELECT study_id, state FROM absences
WHERE until IS NULL OR until > CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER);
--> statement-breakpoint
-- What follows from rows is copied with them, and cleared with them: of a study that is on its way in or out, no
-- trigger that counts, shelves or indexes does anything. The others are of UPDATE, which copying never does.
DROP TRIGGER uploads_uncounted;
--> statement-breakpoint
CREATE TRIGGER uploads_uncounted AFTER DELETE ON uploads
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
	AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.study_id = OLD.study_id AND v.id = 'ver_' || substr(OLD.id, 5))
BEGIN
	UPDATE studies SET bytes = bytes - OLD.size WHERE id = OLD.study_id;
END;
--> statement-breakpoint
DROP TRIGGER versions_uncounted;
--> statement-breakpoint
CREATE TRIGGER versions_uncounted AFTER DELETE ON versions
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE studies SET bytes = bytes - OLD.size WHERE id = OLD.study_id;
END;
--> statement-breakpoint
DROP TRIGGER files_uncounted;
--> statement-breakpoint
CREATE TRIGGER files_uncounted AFTER DELETE ON files
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE studies SET files = files - 1 WHERE id = OLD.study_id;
END;
--> statement-breakpoint
DROP TRIGGER documents_counted;
--> statement-breakpoint
CREATE TRIGGER documents_counted AFTER INSERT ON documents
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = NEW.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE studies SET documents = documents + 1 WHERE id = NEW.study_id;
END;
--> statement-breakpoint
DROP TRIGGER documents_uncounted;
--> statement-breakpoint
CREATE TRIGGER documents_uncounted AFTER DELETE ON documents
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE studies SET documents = documents - 1 WHERE id = OLD.study_id;
END;
--> statement-breakpoint
DROP TRIGGER participants_counted;
--> statement-breakpoint
CREATE TRIGGER participants_counted AFTER INSERT ON participants
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = NEW.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE studies SET participants = participants + 1 WHERE id = NEW.study_id;
END;
--> statement-breakpoint
DROP TRIGGER participants_uncounted;
--> statement-breakpoint
CREATE TRIGGER participants_uncounted AFTER DELETE ON participants
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE studies SET participants = participants - 1 WHERE id = OLD.study_id;
END;
--> statement-breakpoint
DROP TRIGGER report_entries_counted;
--> statement-breakpoint
CREATE TRIGGER report_entries_counted AFTER INSERT ON report_entries
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = NEW.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE reports SET entries = entries + 1
	WHERE study_id = NEW.study_id AND owner = NEW.owner AND identifier = NEW.identifier;
END;
--> statement-breakpoint
DROP TRIGGER report_entries_uncounted;
--> statement-breakpoint
CREATE TRIGGER report_entries_uncounted AFTER DELETE ON report_entries
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE reports SET entries = entries - 1
	WHERE study_id = OLD.study_id AND owner = OLD.owner AND identifier = OLD.identifier;
END;
--> statement-breakpoint
DROP TRIGGER reports_unnamed;
--> statement-breakpoint
CREATE TRIGGER reports_unnamed AFTER DELETE ON reports
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
	AND OLD.owner <> '' AND NOT EXISTS (SELECT 1 FROM reports r INDEXED BY reports_identifier
	WHERE r.study_id = OLD.study_id AND r.identifier = OLD.identifier AND r.owner <> '')
BEGIN
	DELETE FROM report_names WHERE study_id = OLD.study_id AND identifier = OLD.identifier;
END;
--> statement-breakpoint
DROP TRIGGER files_indexed;
--> statement-breakpoint
CREATE TRIGGER files_indexed AFTER INSERT ON files
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = NEW.study_id AND a.state <> 'frozen')
BEGIN
	INSERT INTO files_fts (rowid, who, name, title, description)
	VALUES (NEW.number, 's' || (NEW.number >> 24)
		|| CASE WHEN NEW.visibility <> 'private' THEN ' s' || (NEW.number >> 24) || 'p' ELSE '' END
		|| CASE WHEN NEW.owner <> '' THEN ' s' || (NEW.number >> 24) || 'o' || hex(NEW.owner) ELSE '' END,
		coalesce(NEW.name_words, NEW.name), coalesce(NEW.title_words, NEW.title), coalesce(NEW.description_words, NEW.description));
END;
--> statement-breakpoint
DROP TRIGGER files_removed;
--> statement-breakpoint
CREATE TRIGGER files_removed BEFORE DELETE ON files
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
	AND OLD.listed_at IS NOT NULL
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
DROP TRIGGER files_gone;
--> statement-breakpoint
CREATE TRIGGER files_gone BEFORE DELETE ON files
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	DELETE FROM grants WHERE study_id = OLD.study_id AND file_id = OLD.id;
	DELETE FROM files_fts WHERE rowid = OLD.number;
END;
--> statement-breakpoint
DROP TRIGGER grants_shelve;
--> statement-breakpoint
CREATE TRIGGER grants_shelve AFTER INSERT ON grants
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = NEW.study_id AND a.state <> 'frozen')
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
DROP TRIGGER grants_unshelve;
--> statement-breakpoint
CREATE TRIGGER grants_unshelve AFTER DELETE ON grants
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
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
DROP TRIGGER grants_indexed;
--> statement-breakpoint
CREATE TRIGGER grants_indexed AFTER INSERT ON grants
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = NEW.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE files_fts SET who = (SELECT w.who FROM files_who w WHERE w.study_id = NEW.study_id AND w.id = NEW.file_id)
	WHERE rowid = (SELECT f.number FROM files f WHERE f.study_id = NEW.study_id AND f.id = NEW.file_id);
END;
--> statement-breakpoint
DROP TRIGGER grants_unindexed;
--> statement-breakpoint
CREATE TRIGGER grants_unindexed AFTER DELETE ON grants
WHEN NOT EXISTS (SELECT 1 FROM absences a WHERE a.study_id = OLD.study_id AND a.state <> 'frozen')
BEGIN
	UPDATE files_fts SET who = (SELECT w.who FROM files_who w WHERE w.study_id = OLD.study_id AND w.id = OLD.file_id)
	WHERE rowid = (SELECT f.number FROM files f WHERE f.study_id = OLD.study_id AND f.id = OLD.file_id);
END;
