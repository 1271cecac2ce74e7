"""resolve(Spec, Catalog) to Lab: defaults filled, names turned into objects, cross-checked."""
