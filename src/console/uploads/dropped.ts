// Files that are dropped, those in folders among them.

const filesIn = async (folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> => {
  const reader = folder.createReader()
  const found: FileSystemEntry[] = []
  for (;;) {
    // A reader gives a hundred at a time, and at the end none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    found.push(...some)
  }
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (isFolder(entry)) return (await Promise.all((await filesIn(entry)).map(filesOf))).flat()
  if (!isFile(entry)) return []
  return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))]
}

/** To be called while they are dropped: a moment later a browser shows nothing of them. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const plain = [...files]
  return entries.length === 0 ? plain : (await Promise.all(entries.map(filesOf))).flat()
}
