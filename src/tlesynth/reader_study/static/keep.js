// What must outlive a crash of the browser: answers that the server has not acknowledged, and drafts. Both are wiped
// when the reader leaves.
const [NAME, STORE] = ["tlesynth-study", "kept"];

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function run(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

// A browser that keeps nothing (private windows, policies) must not stop the reading.
async function forgiving(mode, work, otherwise) {
  try {
    return await run(mode, work);
  } catch {
    return otherwise;
  }
}

export const keep = (key, value) => forgiving("readwrite", (store) => store.put(value, key));
export const kept = (key) => forgiving("readonly", (store) => store.get(key), undefined);
export const drop = (key) => forgiving("readwrite", (store) => store.delete(key));
export const keys = () => forgiving("readonly", (store) => store.getAllKeys(), []);
export const wipe = () => forgiving("readwrite", (store) => store.clear());
