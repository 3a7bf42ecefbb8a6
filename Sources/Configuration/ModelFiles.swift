/// The files of `config/models/`, embedded in the binary: transformers that are only timed.
package enum ModelFiles {
  /// By name, from the smallest family to the largest; each is `config/models/NAME.yml`.
  package static let all: [(name: String, bytes: [UInt8])] = [
    ("gpt-j", PackageResources.gpt_j_yml),
    ("gpt2", PackageResources.gpt2_yml),
    ("gpt2-medium", PackageResources.gpt2_medium_yml),
    ("gpt2-large", PackageResources.gpt2_large_yml),
    ("gpt2-xl", PackageResources.gpt2_xl_yml),
    ("cerebras-gpt-111m", PackageResources.cerebras_gpt_111m_yml),
    ("cerebras-gpt-1.3b", PackageResources.cerebras_gpt_1_3b_yml),
    ("gpt3-2.7b", PackageResources.gpt3_2_7b_yml),
    ("gpt3-175b", PackageResources.gpt3_175b_yml),
    ("llama2-7b", PackageResources.llama2_7b_yml),
    ("llama2-13b", PackageResources.llama2_13b_yml),
    ("llama2-70b", PackageResources.llama2_70b_yml),
    ("dolly-12b", PackageResources.dolly_12b_yml),
    ("flan-t5-xl", PackageResources.flan_t5_xl_yml),
    ("flan-t5-xxl", PackageResources.flan_t5_xxl_yml),
    ("bert-base", PackageResources.bert_base_yml),
    ("bert-large", PackageResources.bert_large_yml),
  ]
}
