/** Work that is done once a frame at most, however often it is asked for. */
export const onceAFrame = (work) => {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      work();
    });
  };
};
