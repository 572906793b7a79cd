/** By which a request is for what Carrel is measured against; any other is for Carrel. */
export declare const REFERENCE_HOST = "reference.example.org";
/** A host that is a participant's, as HAT's clients have it. */
export declare const HAT_HOST = "ada.example.org";
export declare const CARREL_HOST = "carrel.example.org";
