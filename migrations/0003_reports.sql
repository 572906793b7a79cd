CREATE TABLE `report_entries` (
	`study_id` text NOT NULL,
	`owner` text NOT NULL,
	`identifier` text NOT NULL,
	`kind` text NOT NULL,
	`at` text NOT NULL,
	`data` text NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `owner`, `identifier`, `kind`, `at`)
) STRICT;
--> statement-breakpoint
CREATE TABLE `reports` (
	`study_id` text NOT NULL,
	`owner` text NOT NULL,
	`identifier` text NOT NULL,
	`public` integer DEFAULT 0 NOT NULL,
	`labels` text DEFAULT '[]' NOT NULL,
	`entries` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `owner`, `identifier`),
	CONSTRAINT "reports_public_are_the_studys" CHECK("reports"."public" = 0 OR "reports"."owner" = ''),
	CONSTRAINT "reports_entries_counted" CHECK("reports"."entries" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
-- An insert that became an update of the same key fires neither.
CREATE TRIGGER report_entries_counted AFTER INSERT ON report_entries
BEGIN
	UPDATE reports SET entries = entries + 1
	WHERE study_id = NEW.study_id AND owner = NEW.owner AND identifier = NEW.identifier;
END;
--> statement-breakpoint
CREATE TRIGGER report_entries_uncounted AFTER DELETE ON report_entries
BEGIN
	UPDATE reports SET entries = entries - 1
	WHERE study_id = OLD.study_id AND owner = OLD.owner AND identifier = OLD.identifier;
END;
