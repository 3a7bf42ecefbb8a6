import Transformers

/// A built-in description with another vocabulary.
func described(_ name: String, vocabulary: Int? = nil) throws -> TransformerModel {
  var model = try ModelDescription.named(name).model
  if let vocabulary { model.vocabularySize = vocabulary }
  return model
}
